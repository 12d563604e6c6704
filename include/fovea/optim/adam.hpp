// Adam: Kingma and Ba, "Adam: a method for stochastic optimization" (2014).
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Where epsilon is added. With g the gradient, t the number of the step and c_i = 1 - beta_i^t:
enum class AdamForm {
  /// p -= learning_rate sqrt(c_2) / c_1 m / (sqrt(v) + epsilon)
  keras,
  /// p -= learning_rate (m / c_1) / (sqrt(v / c_2) + epsilon). PyTorch's default epsilon is 1e-8.
  pytorch,
};

/// The defaults are Keras'. The moments are m += (g - m) (1 - beta_1), v += (g^2 - v) (1 - beta_2).
struct AdamOptions {
  LearningRate learning_rate = 1e-3;  ///< at least 0; a number can be changed later
  double beta_1 = 0.9;                ///< decay of the mean of gradients
  double beta_2 = 0.999;              ///< decay of the mean of their squares
  double epsilon = 1e-7;              ///< keeps the quotient finite
  AdamForm form = AdamForm::keras;    ///< where epsilon is added

  /// Each step subtracts learning_rate weight_decay p from p, apart from Adam's update (AdamW;
  /// Keras' weight_decay in every optimiser).
  double weight_decay = 0;

  /// l2 p is added to the gradient (PyTorch's weight_decay of Adam).
  double l2 = 0;

  /// Rows of a table that a batch does not touch stay as they are, moments included: TensorFlow
  /// Addons' LazyAdam, PyTorch's SparseAdam. This is another algorithm than Adam, which updates
  /// every row in every step.
  bool lazy = false;

  /// The denominator takes the largest v so far (Reddi and others, "On the convergence of Adam and
  /// beyond", 2018), which is a third slot, "largest_variance".
  bool amsgrad = false;

  std::optional<double> clipvalue = {};        ///< bound of each element of a gradient
  std::optional<double> clipnorm = {};         ///< bound of the norm of each parameter's gradient
  std::optional<double> global_clipnorm = {};  ///< bound of the norm of all gradients
  std::vector<ParameterGroup> groups = {};     ///< parameters with other rates and decays, by path
  bool use_ema = false;                        ///< keeps an average of the weights: AveragedWeights
  double ema_momentum = 0.99;                  ///< of the average, at least 0 and below 1
};

/// Adam, with slots "mean" (m) and "variance" (v). As every optimiser it can be moved, not copied:
/// it belongs to one model. An Optimizer, which compile takes, shares it among its copies.
class Adam : public SlotOptimizer {
 public:
  /// Throws ValueError for options out of range.
  explicit Adam(const AdamOptions& options = {});

 protected:
  /// Adam under another name, a literal.
  Adam(const AdamOptions& options, const char* name);
};

}}  // namespace fovea
