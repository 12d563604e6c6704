// AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
#pragma once

#include "fovea/optim/adam.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// AdamOptions with Keras' decay. PyTorch's AdamW is `.epsilon = 1e-8, .form = AdamForm::pytorch,
/// .weight_decay = 0.01`.
struct AdamWOptions {
  LearningRate learning_rate = 1e-3;  ///< at least 0; a number can be changed later
  double beta_1 = 0.9;                ///< decay of the mean of gradients
  double beta_2 = 0.999;              ///< decay of the mean of their squares
  double epsilon = 1e-7;              ///< keeps the quotient finite
  AdamForm form = AdamForm::keras;    ///< where epsilon is added
  double weight_decay = 0.004;        ///< p loses learning_rate weight_decay p in each step
  bool amsgrad = false;               ///< the denominator takes the largest v so far

  std::optional<double> clipvalue = {};        ///< bound of each element of a gradient
  std::optional<double> clipnorm = {};         ///< bound of the norm of each parameter's gradient
  std::optional<double> global_clipnorm = {};  ///< bound of the norm of all gradients
  std::vector<ParameterGroup> groups = {};     ///< parameters with other rates and decays, by path
  bool use_ema = false;                        ///< keeps an average of the weights: AveragedWeights
  double ema_momentum = 0.99;                  ///< of the average, at least 0 and below 1
};

/// Adam with a decay apart from the gradient, with slots "mean" and "variance".
class AdamW : public Adam {
 public:
  /// Throws ValueError for options out of range.
  explicit AdamW(const AdamWOptions& options = {});
};

}}  // namespace fovea
