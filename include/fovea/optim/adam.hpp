// Adam: Kingma and Ba, "Adam: a method for stochastic optimization" (2014).
#pragma once

#include <memory>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The defaults are Keras'. With g the gradient and t the number of the step:
///   m += (g - m) (1 - beta_1),   v += (g^2 - v) (1 - beta_2)
///   p -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
struct AdamOptions {
  double learning_rate = 1e-3;  ///< at least 0; may be changed later
  double beta_1 = 0.9;          ///< decay of the mean of gradients
  double beta_2 = 0.999;        ///< decay of the mean of their squares
  double epsilon = 1e-7;        ///< keeps the quotient finite

  /// PyTorch's form: epsilon is added after the bias correction of v, p -= learning_rate (m / (1 -
  /// beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon). Its default epsilon is 1e-8.
  bool epsilon_inside = false;

  /// p loses learning_rate weight_decay p in each step, apart from Adam (AdamW; Keras' weight_decay
  /// in every optimiser).
  double weight_decay = 0;

  /// l2 p is added to the gradient (PyTorch's weight_decay of Adam).
  double l2 = 0;

  /// Rows of a table that a batch does not touch stand still, moments included: TensorFlow Addons'
  /// LazyAdam, PyTorch's SparseAdam. It is another algorithm than Adam, which moves every row in
  /// every step.
  bool untouched_rows_stand_still = false;
};

class AdamRows;

/// One optimiser for the parameters of one model. Every parameter that requires gradients moves in
/// every step, a table's rows included that the batch did not touch: their moments decay, and the
/// rows move on. Such rows are brought up to date when they are next read (by a gather, or whoever
/// asks the tensor for its value), bit for bit as if every step had swept the whole table; until
/// then they cost nothing.
class Adam {
 public:
  /// Throws ValueError for options out of range.
  explicit Adam(const AdamOptions& options = {});
  ~Adam();
  Adam(Adam&&) noexcept;             ///< takes over parameters and moments
  Adam& operator=(Adam&&) noexcept;  ///< takes over parameters and moments

  /// Takes on parameters besides those that it has, with moments of zero and steps of their own,
  /// counted from here. One that is there already stays as it is; frozen ones are left alone.
  void attach(std::vector<NamedParameter> parameters);
  /// The parameters of a module. Throws StateError for one that is not built: it has some, and none
  /// with numbers.
  template <class Module>
  void attach(const Module& module) {
    const char* missing = nullptr;
    for_each_parameter(module, [&](const ParameterPath&, const Tensor&) {
      missing =
          "Adam: attach: the module is not built, and its parameters have no numbers yet; call "
          "build first";
    });
    std::vector<NamedParameter> parameters = parameters_of(module);
    if (missing && parameters.empty()) throw StateError(missing);
    attach(std::move(parameters));
  }

  /// Lets go of all parameters and their moments, and counts steps from 0.
  void reset();

  /// What modules are told in the next forward pass of a loop of one's own: that it trains, and
  /// which pass it is. Ask for one in each pass, for dropout to draw anew: optimizer.context(). The
  /// first pass of each step draws what fit would, by the model's seed.
  Context context(std::uint64_t seed = 0);

  /// One step along the gradients that the parameters have gathered; none counts as zeros. Throws
  /// StateError when nothing is attached, and MemoryError; then no parameter has moved, and the
  /// step can be made again. Memory is taken for all parameters at once: some 36 bytes for each id
  /// of a table's gradient.
  void step();

  /// Forgets the gathered gradients.
  void zero_grad() const;

  /// The number of steps made.
  Index steps() const { return steps_; }

  double learning_rate() const { return options_.learning_rate; }  ///< of the next step
  /// For the steps from now on. Throws ValueError unless finite and not negative.
  void set_learning_rate(double rate);

  /// A parameter with its moments.
  struct Slot {
    std::string path;  ///< its name in the model
    Tensor parameter;  ///< the module's
    /// of the gradients: m
    Array mean, variance;                 ///< of their squares: v
    std::shared_ptr<AdamRows> rows = {};  ///< of a table, once a batch has touched some of its rows
    Index before = 0;  ///< steps that the optimiser had made when it was attached
  };

  /// All of them, up to date. A copy stays as it is when steps go on.
  const std::vector<Slot>& slots() const&;
  std::vector<Slot> slots() const&& { return slots(); }  ///< the same, of a temporary

 private:
  AdamOptions options_;
  std::vector<Slot> slots_;
  Index steps_ = 0;
  std::uint64_t contexts_ = 0;  // given out since the last step
};

}}  // namespace fovea
