// Decimal numbers in text, whatever the locale.
#pragma once

#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What `read_decimal` found.
enum class Decimal { read, no_number, too_large };

/// Reads a whole text as a number, rounded to the nearest `real`: digits with an optional sign,
/// point and exponent, or "inf". What is too small becomes 0. NaN is no number. Eight bytes behind
/// the text must be readable.
Decimal read_decimal(std::string_view text, real& value);

}}  // namespace fovea
