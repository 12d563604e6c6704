// A sum of real numbers that does not depend on their order.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/memory/buffer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A sum of doubles without rounding: `value` rounds once. So it is the same bits for any order and
/// any cut into parts.
///
/// As long as the sum is a double, as with counts, it is kept as one. Otherwise it is kept as a
/// fixed-point number that spans all doubles (a superaccumulator: Kulisch and Miranker, The
/// Arithmetic of the Digital Computer, 1986): 68 digits of 32 bits, in 64 bits each, so that
/// carries can wait.
class ExactSum {
 public:
  /// The sum of nothing.
  ExactSum() = default;
  /// The sum of one value.
  ExactSum(double value) { *this += value; }  // NOLINT: implicit on purpose

  /// Adds a value. With an infinity the sum is infinite; with NaN, or both infinities, it is NaN.
  ExactSum& operator+=(double value) {
    const double sum = near_ + (is_moderate(value) ? value : 0);
    const double back = sum - near_;
    if (is_moderate(value) && (near_ - (sum - back)) + (value - back) == 0)
      near_ = sum;
    else
      add_digits(value);
    return *this;
  }
  /// Adds another sum.
  ExactSum& operator+=(const ExactSum& other);
  /// Adds a b, not rounded unless it is beyond 1e300 or below 1e-290 in magnitude.
  void add_product(double a, double b);

  /// Returns the sum, rounded to the nearest double.
  double value() const;

  /// Returns numbers from which `set_values` makes the same sum.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);

 private:
  // Whether a sum with the value cannot overflow.
  static bool is_moderate(double value) {
    return (std::bit_cast<std::uint64_t>(value) >> 52 & 0x7ff) < 2000;
  }
  void add_digits(double value);
  void carry();

  double near_ = 0;                    // to be added to the digits
  memory::List<std::int64_t> digits_;  // of weight 2^(32 i - 1074); empty: all 0
  std::int64_t waiting_ = 0;           // additions since the last carry
  std::uint8_t special_ = 0;           // which of infinity (1), -infinity (2) and NaN (4) came
};

}}  // namespace fovea
