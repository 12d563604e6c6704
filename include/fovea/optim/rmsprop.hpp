// RMSprop: Tieleman and Hinton, "Lecture 6.5: divide the gradient by a running average of its
// recent magnitude" (2012).
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Where epsilon and the learning rate stand. With g the gradient, v its mean square (less the
/// square of its mean where centered), m = momentum m + q:
enum class RMSpropForm {
  keras,    ///< q = learning_rate g / sqrt(v + epsilon),  p -= m
  pytorch,  ///< q = g / (sqrt(v) + epsilon),  p -= learning_rate m; its rho is 0.99, epsilon 1e-8
};

/// The defaults are Keras'. The mean square is v = rho v + (1 - rho) g^2.
struct RMSpropOptions {
  LearningRate learning_rate = 1e-3;      ///< at least 0; a number can be changed later
  double rho = 0.9;                       ///< decay of the means; PyTorch's alpha
  double momentum = 0;                    ///< at least 0 and below 1; at 0 it has no slot
  double epsilon = 1e-7;                  ///< keeps the quotient finite
  bool centered = false;                  ///< divides by the variance about the mean
  RMSpropForm form = RMSpropForm::keras;  ///< where epsilon and the learning rate stand

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

/// RMSprop, with slots "mean_square" (v), "mean" where centered, and "momentum" (m) where there is
/// one.
class RMSprop : public SlotOptimizer {
 public:
  /// Throws ValueError for options out of range.
  explicit RMSprop(const RMSpropOptions& options = {});
};

}}  // namespace fovea
