// Lion: Chen and others, "Symbolic discovery of optimization algorithms" (2023).
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The defaults are Keras'. Learning rates of a tenth of Adam's are usual, and decays of ten times.
struct LionOptions {
  LearningRate learning_rate = 1e-3;  ///< at least 0; a number can be changed later
  double beta_1 = 0.9;                ///< share of the mean in the direction of a step
  double beta_2 = 0.99;               ///< decay of the mean of gradients

  /// p loses learning_rate weight_decay p in each step.
  double weight_decay = 0;

  std::optional<double> clipvalue = {};        ///< bound of each element of a gradient
  std::optional<double> clipnorm = {};         ///< bound of the norm of each parameter's gradient
  std::optional<double> global_clipnorm = {};  ///< bound of the norm of all gradients
  std::vector<ParameterGroup> groups = {};     ///< parameters with other rates and decays, by path
  bool use_ema = false;                        ///< keeps an average of the weights: AveragedWeights
  double ema_momentum = 0.99;                  ///< of the average, at least 0 and below 1
};

/// p -= learning_rate sign(beta_1 m + (1 - beta_1) g),  m = beta_2 m + (1 - beta_2) g, with the
/// slot "mean" (m). The sign of 0 is 0. A row that no batch touches goes on by a whole learning
/// rate in each step until m has faded to 0, some 8,700 steps at a beta_2 of 0.99.
class Lion : public SlotOptimizer {
 public:
  /// Throws ValueError for options out of range.
  explicit Lion(const LionOptions& options = {});
};

}}  // namespace fovea
