// What every optimiser can be told besides its own options: how gradients are cut, and which
// parameters differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/optim/learning_rate.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How the parameters of a group differ from the others.
struct GroupOptions {
  /// A rate of their own, which set_learning_rate leaves as it is.
  std::optional<LearningRate> learning_rate = {};
  double learning_rate_factor = 1;          ///< multiplies the rate of the optimiser; at least 0
  std::optional<double> weight_decay = {};  ///< in place of the optimiser's
};

/// The parameters whose path a pattern matches, where "*" stands for any characters, "/" included:
/// `.groups = {{"*/bias", {.weight_decay = 0}}, {"embedding/*", {.learning_rate = 1e-4}}}`. A
/// parameter belongs to the first group that matches its path. A step throws ValueError for a group
/// without parameters.
struct ParameterGroup {
  std::string pattern;        ///< of paths, such as "dense/kernel"
  GroupOptions options = {};  ///< how they differ
};

/// How gradients are cut before a step, in Keras' meaning; at most one of the three. The norm is
/// sqrt(sum g^2), summed in double: of a table's gradient by rows, that of its accumulated rows. A
/// norm above the bound multiplies the gradient by bound / norm. A norm that is infinite or NaN
/// makes every element NaN that is not 0, so that training does not go on as if nothing had
/// happened; clipping by value keeps NaN and cuts infinities. The gradients that a parameter shows
/// stay as they are.
struct Clipping {
  std::optional<double> value = {};        ///< each element, to [-value, value]
  std::optional<double> norm = {};         ///< each parameter's gradient by its own norm
  std::optional<double> global_norm = {};  ///< all gradients by their common norm
};

/// What SlotOptimizer is told.
struct StepOptions {
  LearningRate learning_rate;               ///< at least 0
  Clipping clipping = {};                   ///< how gradients are cut
  std::vector<ParameterGroup> groups = {};  ///< parameters that differ
  std::optional<double> ema_momentum = {};  ///< keeps averages of the parameters
};

/// Returns those of an optimiser's options that have the same names in all.
template <class Options>
StepOptions step_options(const Options& o) {
  return {o.learning_rate,
          {o.clipvalue, o.clipnorm, o.global_clipnorm},
          o.groups,
          o.use_ema ? std::optional(o.ema_momentum) : std::nullopt};
}

}}  // namespace fovea
