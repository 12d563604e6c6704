#include "fovea/train/metrics/exact_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Two digits beyond those of the largest double.
constexpr std::size_t width = 68;
constexpr std::uint64_t low_32 = 0xffffffff;
constexpr std::int64_t most_waiting = std::int64_t(1) << 28;
constexpr std::uint8_t negative = 8;

// Adds the digits of a finite value.
void add(std::int64_t* digits, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t exponent = bits >> 52 & 0x7ff, fraction = bits & ((1ULL << 52) - 1);
  const std::uint64_t mantissa = exponent > 0 ? fraction | 1ULL << 52 : fraction;
  const std::uint64_t position = std::max<std::uint64_t>(exponent, 1) - 1, shift = position % 32;
  const std::uint64_t low = (mantissa & low_32) << shift, high = (mantissa >> 32) << shift;
  const std::int64_t sign = bits >> 63 != 0 ? -1 : 1;
  std::int64_t* const to = digits + position / 32;
  to[0] += sign * static_cast<std::int64_t>(low & low_32);
  to[1] += sign * static_cast<std::int64_t>((low >> 32) + (high & low_32));
  to[2] += sign * static_cast<std::int64_t>(high >> 32);
}

// Makes all digits but the last one at least 0 and below 2^32.
void carry_all(std::span<std::int64_t> digits) {
  for (std::size_t i = 0; i + 1 < digits.size(); ++i) {
    digits[i + 1] += digits[i] >> 32;
    digits[i] &= static_cast<std::int64_t>(low_32);
  }
}

// Makes the number positive. Returns whether it was negative.
bool make_positive(std::span<std::int64_t> digits) {
  carry_all(digits);
  if (digits.back() >= 0) return false;
  for (std::int64_t& digit : digits) digit = -digit;
  carry_all(digits);
  return true;
}

// Returns a positive number, rounded to nearest, ties to even.
double rounded(std::span<const std::int64_t> digits) {
  std::size_t first = digits.size() - 1;
  while (first > 1 && digits[first] == 0) --first;
  const auto digit = [&](std::size_t i) { return static_cast<std::uint64_t>(digits[i]); };
  std::uint64_t top = digit(first) << 32 | digit(first - 1);
  int exponent = static_cast<int>(first - 1) * 32 - 1074;
  bool rest = false;
  if (first >= 2) {
    const int shift = std::countl_zero(top);
    const std::uint64_t next = digit(first - 2) << shift;
    if (shift > 0) top = top << shift | next >> 32;
    exponent -= shift;
    rest = (next & low_32) != 0;
    for (std::size_t i = 0; i + 2 < first; ++i) rest = rest || digits[i] != 0;
  }
  return std::ldexp(static_cast<double>(top | static_cast<std::uint64_t>(rest)), exponent);
}

}  // namespace

void ExactSum::add_digits(double value) {
  if (!std::isfinite(value)) {
    const int kind = std::isnan(value) ? 4 : value > 0 ? 1 : 2;
    special_ = static_cast<std::uint8_t>(special_ | kind);
    return;
  }
  if (digits_.empty()) digits_.assign(width, 0);
  add(digits_.data(), value);
  add(digits_.data(), near_);
  near_ = 0;
  if ((waiting_ += 2) > most_waiting) carry();
}

void ExactSum::carry() {
  carry_all(digits_);
  waiting_ = 1;
}

ExactSum& ExactSum::operator+=(const ExactSum& other) {
  special_ = static_cast<std::uint8_t>(special_ | other.special_);
  if (!other.digits_.empty()) {
    if (digits_.empty()) digits_.assign(width, 0);
    if (waiting_ + other.waiting_ > most_waiting) carry();
    for (std::size_t i = 0; i < width; ++i) digits_[i] += other.digits_[i];
    waiting_ += other.waiting_;
  }
  return *this += other.near_;
}

void ExactSum::add_product(double a, double b) {
  const double product = a * b;
  *this += product;
  if (std::isfinite(product)) *this += std::fma(a, b, -product);
}

double ExactSum::value() const {
  if (special_ != 0)
    return special_ == 1   ? std::numeric_limits<double>::infinity()
           : special_ == 2 ? -std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::quiet_NaN();
  if (digits_.empty()) return near_;
  memory::List<std::int64_t> all = digits_;
  add(all.data(), near_);
  const bool is_negative = make_positive(all);
  const double magnitude = rounded(all);
  return is_negative ? -magnitude : magnitude;
}

// {special, near}, or {special and sign, the number of the first digit that is not 0, digits}.
std::vector<double> ExactSum::values() const {
  std::uint8_t special = special_;
  if (digits_.empty()) return {static_cast<double>(special), near_};
  memory::List<std::int64_t> all = digits_;
  add(all.data(), near_);
  if (make_positive(all)) special = static_cast<std::uint8_t>(special | negative);
  std::size_t begin = 0, end = width;
  while (end > 1 && all[end - 1] == 0) --end;
  while (begin + 1 < end && all[begin] == 0) ++begin;
  std::vector<double> result = {static_cast<double>(special), static_cast<double>(begin)};
  for (std::size_t i = begin; i < end; ++i) result.push_back(static_cast<double>(all[i]));
  return result;
}

void ExactSum::set_values(std::span<const double> values) {
  const auto is_whole = [](double value, double below) {
    return value >= 0 && value < below && value == std::floor(value);
  };
  const bool has_digits = values.size() > 2;
  if (values.size() < 2 || values.size() > width + 2 || !is_whole(values[0], has_digits ? 16 : 8) ||
      (has_digits ? !is_whole(values[1], static_cast<double>(width + 3 - values.size()))
                  : !std::isfinite(values[1])) ||
      !std::ranges::all_of(values.subspan(2),
                           [&](double digit) { return is_whole(digit, 0x1p32); }))
    throw ValueError("ExactSum: set_values: these are not the values of a sum");
  *this = ExactSum();
  const auto special = static_cast<std::uint8_t>(values[0]);
  special_ = special & 7;
  if (!has_digits) {
    near_ = values[1];
    return;
  }
  digits_.assign(width, 0);
  for (std::size_t i = 2; i < values.size(); ++i) {
    const auto digit = static_cast<std::int64_t>(values[i]);
    digits_[static_cast<std::size_t>(values[1]) + i - 2] =
        (special & negative) != 0 ? -digit : digit;
  }
  waiting_ = 1;
}

}}  // namespace fovea
