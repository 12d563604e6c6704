// Adagrad: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
// stochastic optimization" (2011).
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Where epsilon stands. With g the gradient and a the sum of its squares:
enum class AdagradForm {
  keras,    ///< p -= learning_rate g / sqrt(a + epsilon)
  pytorch,  ///< p -= learning_rate g / (sqrt(a) + epsilon); its defaults are a learning rate of
            ///< 0.01, a sum that starts at 0, and 1e-10
};

/// The defaults are Keras'. PyTorch's lr_decay is `.learning_rate = InverseTimeDecay(rate, 1,
/// lr_decay)`.
struct AdagradOptions {
  LearningRate learning_rate = 1e-3;       ///< at least 0; a number can be changed later
  double initial_accumulator_value = 0.1;  ///< where a starts, at least 0
  double epsilon = 1e-7;                   ///< keeps the quotient finite
  AdagradForm form = AdagradForm::keras;   ///< where epsilon stands

  /// p loses learning_rate weight_decay p in each step, apart from the gradient (Keras').
  double weight_decay = 0;

  /// l2 p is added to the gradient (PyTorch's weight_decay).
  double l2 = 0;

  std::optional<double> clipvalue = {};        ///< bound of each element of a gradient
  std::optional<double> clipnorm = {};         ///< bound of the norm of each parameter's gradient
  std::optional<double> global_clipnorm = {};  ///< bound of the norm of all gradients
  std::vector<ParameterGroup> groups = {};     ///< parameters with other rates and decays, by path
  bool use_ema = false;                        ///< keeps an average of the weights: AveragedWeights
  double ema_momentum = 0.99;                  ///< of the average, at least 0 and below 1
};

/// Adagrad, with the slot "accumulator" (a).
class Adagrad : public SlotOptimizer {
 public:
  /// Throws ValueError for options out of range.
  explicit Adagrad(const AdagradOptions& options = {});
};

}}  // namespace fovea
