// Adam: Kingma and Ba, "Adam: a method for stochastic optimization" (2014).
#pragma once

#include <memory>
#include <vector>

#include "fovea/nn/module.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// The defaults are Keras'. With g the gradient and t the number of the step:
///   m += (g - m) (1 - beta_1),   v += (g^2 - v) (1 - beta_2)
///   p -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
struct AdamOptions {
  double learning_rate = 1e-3;  ///< at least 0; may be changed later
  double beta_1 = 0.9;  ///< decay of the mean of gradients
  double beta_2 = 0.999;  ///< decay of the mean of their squares
  double epsilon = 1e-7;  ///< keeps the quotient finite

  /// PyTorch's form: epsilon is added after the bias correction of v, p -= learning_rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon).
  /// Its default epsilon is 1e-8.
  bool epsilon_inside = false;

  /// p loses learning_rate weight_decay p in each step, apart from Adam (AdamW; Keras' weight_decay in every optimiser).
  double weight_decay = 0;

  /// l2 p is added to the gradient (PyTorch's weight_decay of Adam).
  double l2 = 0;

  /// Rows of a table that a batch does not touch stand still, moments included: TensorFlow Addons' LazyAdam, PyTorch's SparseAdam. It
  /// is another algorithm than Adam, which moves every row in every step.
  bool untouched_rows_stand_still = false;
};

class AdamRows;

/// One optimiser for the parameters of one model. Every parameter that requires gradients moves in every step, a table's rows
/// included that the batch did not touch: their moments decay, and the rows move on. Such rows are brought up to date when they are
/// next read (by a gather, or whoever asks the tensor for its value), bit for bit as if every step had swept the whole table; until
/// then they cost nothing.
class Adam {
 public:
  /// Throws ValueError for options out of range.
  explicit Adam(const AdamOptions& options = {});
  ~Adam();
  Adam(Adam&&) noexcept;  ///< takes over parameters and moments
  Adam& operator=(Adam&&) noexcept;  ///< takes over parameters and moments

  /// Takes on the parameters, with moments of zero. Frozen ones are left alone.
  void attach(std::vector<NamedParameter> parameters);
  /// The parameters of a module that is built.
  template <class Module>
  void attach(const Module& module) {
    attach(parameters_of(module));
  }

  /// One step along the gradients that the parameters have gathered; none counts as zeros. Throws StateError when nothing is attached, and
  /// MemoryError; then no parameter has moved, and the step can be made again. Memory is taken for all parameters at once: some 36 bytes
  /// for each id of a table's gradient.
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
    Tensor parameter;  ///< shares the numbers with its module
    /// of the gradients: m
    Array mean, variance;    ///< of their squares: v
    std::shared_ptr<AdamRows> rows = {};  ///< of a table, once a batch has touched some of its rows
  };

  /// All of them, up to date.
  const std::vector<Slot>& slots() const;

 private:
  AdamOptions options_;
  std::vector<Slot> slots_;
  Index steps_ = 0;
};

}  // namespace fovea
