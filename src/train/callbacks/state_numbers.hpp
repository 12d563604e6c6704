// Reading the state of a callback.
#pragma once

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns a number of the state. Throws StateError where there is none of that name.
inline double number_of(const char* callback, const CallbackState& state, const char* name) {
  const auto found = state.numbers.find(name);
  if (found != state.numbers.end()) return found->second;
  throw StateError(
      fmt::format("{}: load_state: there is no \"{}\" in the state; give the state of such a "
                  "callback",
                  callback, name));
}

/// Returns a number of the state that counts from `lowest` on. Throws StateError for another one.
inline Index count_of(const char* callback, const CallbackState& state, const char* name,
                      Index lowest = 0) {
  const double value = number_of(callback, state, name);
  const auto count = value >= static_cast<double>(lowest) && value <= 0x1p53
                         ? static_cast<Index>(value)
                         : lowest - 1;
  if (static_cast<double>(count) == value && count >= lowest) return count;
  throw StateError(fmt::format(
      "{}: load_state: \"{}\" is {}; expected a whole number of at least {}, as state returns it",
      callback, name, value, lowest));
}

}}  // namespace fovea
