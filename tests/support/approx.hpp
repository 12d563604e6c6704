// Comparing arrays: bit for bit, or with the truth within units in the last place. Each function
// returns an empty string, or what differs and where.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "support/oracle.hpp"

namespace support {

/// Whether two arrays have the same shape and the same bits.
inline std::string bits_differ(const Array& got, const Array& expected) {
  if (got.shape() != expected.shape())
    return fmt::format("shape {}, expected {}", to_string(got.shape()),
                       to_string(expected.shape()));
  for (Index i = 0; i < got.count(); ++i)
    if (std::memcmp(got.data() + i, expected.data() + i, sizeof(fovea::real)) != 0)
      return fmt::format("element {} of {} is {}, expected {}, bit for bit", i,
                         to_string(got.shape()), got.data()[i], expected.data()[i]);
  return "";
}

/// Whether each element is within `ulps` machine epsilons of the truth, times what that is measured
/// by. 0 means equal.
inline std::string differs(const Array& got, const Plain& expected, double ulps) {
  if (got.shape() != expected.shape)
    return fmt::format("shape {}, expected {}", to_string(got.shape()), to_string(expected.shape));
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const wide value = got.data()[i],
               allowed = ulps * std::numeric_limits<fovea::real>::epsilon() * expected.scale(i);
    if (value == expected.values[i] || std::abs(value - expected.values[i]) <= allowed) continue;
    return fmt::format("element {} of {} is {}, expected {}, allowed error {}", i,
                       to_string(got.shape()), value, expected.values[i], allowed);
  }
  return "";
}

}  // namespace support
