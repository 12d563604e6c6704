// Stochastic gradient descent, with momentum.
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Where the learning rate stands. The two part once it changes. With g the gradient:
enum class SGDForm {
  keras,    ///< u = momentum u - learning_rate g,  p += u;  Nesterov: p += momentum u -
            ///< learning_rate g
  pytorch,  ///< u = momentum u + (1 - dampening) g,  p -= learning_rate u;  Nesterov: p -=
            ///< learning_rate (g + momentum u). In the first step u = g.
};

/// The defaults are Keras'.
struct SGDOptions {
  LearningRate learning_rate = 0.01;  ///< at least 0; a number can be changed later
  double momentum = 0;                ///< at least 0 and below 1; at 0 there is no slot
  bool nesterov = false;              ///< looks one step ahead; takes a momentum
  SGDForm form = SGDForm::keras;      ///< where the learning rate stands
  double dampening = 0;               ///< of PyTorch's form: the share of g that u leaves out

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

/// p -= learning_rate g; with a momentum also a slot "momentum" (u).
class SGD : public SlotOptimizer {
 public:
  /// Throws ValueError for options out of range, and for those that the form does not have.
  explicit SGD(const SGDOptions& options = {});
};

}}  // namespace fovea
