// What an optimiser has to remember for a training to be resumed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The state of an optimiser between two steps: a value, which stays as it is when steps go on.
/// Where several parameters have one path, the second is called "path#2", and so on.
struct OptimizerState {
  std::string optimizer;                             ///< its name: "Adam"
  std::map<std::string, Array, std::less<>> arrays;  ///< the slots: "dense/kernel/mean"
  /// "steps": the steps made; "dense/kernel/steps": those since the parameter was attached.
  std::map<std::string, std::int64_t, std::less<>> counters;
  std::optional<double> learning_rate = {};  ///< where it is a number
};

}}  // namespace fovea
