#include "fovea/array/number.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* real_name = sizeof(real) == 4 ? "float" : "double";

[[noreturn]] void refuse(const char* type, Index position, const std::string& value,
                         const std::string& why) {
  throw ValueError(
      fmt::format("{}: the value at position {} is {}, {}", type, position, value, why));
}

bool too_large(double value) {
  return std::isfinite(value) && std::abs(value) > double(std::numeric_limits<real>::max());
}

// Whether a real holds the integer exactly.
bool exact(std::uint64_t magnitude) {
  const auto nearest = static_cast<real>(magnitude);
  return nearest < real(0x1p64) && static_cast<std::uint64_t>(nearest) == magnitude;
}

}  // namespace

real Number::rounded() const {
  if (integer_) {
    const auto magnitude = static_cast<real>(magnitude_);
    return negative_ ? -magnitude : magnitude;
  }
  if (too_large(fraction_))
    throw ValueError(
        fmt::format("{} does not fit a {}; for infinity, pass infinity", fraction_, real_name));
  return static_cast<real>(fraction_);
}

template <>
real Number::as<real>(const char* type, Index position) const {
  if (integer_ && !exact(magnitude_))
    refuse(type, position, fmt::format("{}{}", negative_ ? "-" : "", magnitude_),
           fmt::format("which a {} does not hold exactly; pass it as a double to round it",
                       real_name));
  if (!integer_ && too_large(fraction_))
    refuse(type, position, fmt::format("{}", fraction_),
           fmt::format("which does not fit a {}", real_name));
  return rounded();
}

template <>
std::int32_t Number::as<std::int32_t>(const char* type, Index position) const {
  constexpr double least = std::numeric_limits<std::int32_t>::min(),
                   most = std::numeric_limits<std::int32_t>::max();
  if (integer_) {
    if (magnitude_ > std::uint64_t(most) + negative_)
      refuse(type, position, fmt::format("{}{}", negative_ ? "-" : "", magnitude_),
             "which does not fit 32 bits");
    const auto magnitude = static_cast<std::int64_t>(magnitude_);
    return static_cast<std::int32_t>(negative_ ? -magnitude : magnitude);
  }
  if (std::isnan(fraction_) || fraction_ != std::trunc(fraction_))
    refuse(type, position, fmt::format("{}", fraction_), "which is no integer; round it first");
  if (fraction_ < least || fraction_ > most)
    refuse(type, position, fmt::format("{}", fraction_), "which does not fit 32 bits");
  return static_cast<std::int32_t>(fraction_);
}

template <>
std::uint8_t Number::as<std::uint8_t>(const char* type, Index position) const {
  if (std::isnan(fraction_))
    refuse(type, position, "nan", "which neither keeps nor drops; replace it by 0 or 1");
  return std::uint8_t(integer_ ? magnitude_ != 0 : fraction_ != 0);
}

void NestedNumbers::append_sizes(std::vector<Index>& sizes) const {
  if (!is_list_) return;
  sizes.push_back(static_cast<Index>(list_.size()));
  if (list_.size() > 0) list_.begin()->append_sizes(sizes);
}

void NestedNumbers::check(const char* type, std::span<const Index> sizes) const {
  if (is_list_ != !sizes.empty())
    throw ShapeError(fmt::format("{}: a number stands beside a list of numbers", type));
  if (!is_list_) return;
  if (static_cast<Index>(list_.size()) != sizes[0])
    throw ShapeError(fmt::format("{}: a list of {} stands beside a list of {}; they must be equal",
                                 type, list_.size(), sizes[0]));
  for (const NestedNumbers& inner : list_) inner.check(type, sizes.subspan(1));
}

Shape NestedNumbers::shape(const char* type) const {
  std::vector<Index> sizes;
  append_sizes(sizes);
  check(type, sizes);
  return Shape(sizes);
}

void NestedNumbers::append_to(std::vector<Number>& numbers) const {
  if (!is_list_) numbers.push_back(number_);
  for (const NestedNumbers& inner : list_) inner.append_to(numbers);
}

}}  // namespace fovea
