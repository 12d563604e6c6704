// Options out of range, refused in one form.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Checks options of an optimiser or a schedule; what is wrong is a ValueError with its name and
/// value.
struct OptionCheck {
  const char* owner;

  void operator()(bool right, const char* option, double value, const char* expected) const {
    if (!right)
      throw ValueError(fmt::format("{}: {} is {}; it must be {}", owner, option, value, expected));
  }
  void share(const char* option, double value) const {
    (*this)(value >= 0 && value < 1, option, value, "at least 0 and below 1");
  }
  void amount(const char* option, double value) const {
    (*this)(holds(value), option, value, "at least 0 and finite");
  }
  void epsilon(double value) const {
    (*this)(value >= std::numeric_limits<real>::min() && holds(value), "epsilon", value,
            "above 0, finite, and not so small that it counts as 0 in training");
  }

  /// Whether a value is at least 0 and finite, in the precision of training as well.
  static bool holds(double value) {
    return value >= 0 && value <= double(std::numeric_limits<real>::max());
  }
};

}}  // namespace fovea
