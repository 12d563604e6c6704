// The state that an optimiser needs for a training to be resumed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The state of an optimiser between two steps. A value: later steps do not change it. Where
/// several parameters have one path, the second is called "path#2", and so on.
struct OptimizerState {
  /// The name of the optimiser: "Adam".
  std::string optimizer;
  /// The slots: "dense/kernel/mean".
  std::map<std::string, Array, std::less<>> arrays;
  /// "steps": the steps made; "dense/kernel/steps": those since the parameter was attached.
  std::map<std::string, std::int64_t, std::less<>> counters;
  /// The learning rate, where it is a number.
  std::optional<double> learning_rate = {};
};

}}  // namespace fovea
