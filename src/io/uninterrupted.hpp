// Calls of the system that a signal may interrupt.
#pragma once

#include <cerrno>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Calls again as long as a signal interrupts. Returns what the call returns, below 0 where it
/// failed for another reason.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}}}  // namespace fovea::io
