#include "data/decimal.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Whether a number without sign, known to be out of range, is so because it is small: whether its
// first digit that is not 0 stands behind the point, once the exponent has moved it.
bool is_small(std::string_view text) {
  const std::size_t mark = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, mark);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = std::min(digits.find_first_of("123456789"), digits.size());
  long long exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view power = text.substr(mark + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (error != std::errc()) return power.starts_with('-');
  }
  // Texts are far shorter than 2^62, so nothing overflows.
  const auto place = static_cast<long long>(point) - static_cast<long long>(first);
  return exponent < 0 ? place < -exponent : place + exponent < 0;
}

constexpr double powers[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};  // exact, each of them

// The quotient of whole numbers below 2^64 and a power of ten, where it is known to be rounded to
// nearest. Both are exact in double below 2^53 (Clinger, "How to read floating point numbers
// accurately", 1990), and the quotient is rounded once. Otherwise it is off by at most one unit in
// its last place, which a float does not see unless half of the float's last place is that near.
bool divide(std::uint64_t digits, std::size_t places, real& value) {
  const bool exact = digits <= std::uint64_t(1) << 53;
  const double quotient = static_cast<double>(digits) / powers[places];
  value = static_cast<real>(quotient);
  if constexpr (sizeof(real) == sizeof(double)) return exact;
  constexpr std::uint64_t beyond = (std::uint64_t(1) << 29) - 1, half = std::uint64_t(1) << 28;
  const std::uint64_t rest = std::bit_cast<std::uint64_t>(quotient) & beyond;
  return rest + 4 < half || rest > half + 4;
}

// Reads digits with or without a point, at most 19 in all, which is what most numbers are.
bool read_plain(std::string_view text, real& value) {
  if (text.size() > 20) return false;
  std::uint64_t digits = 0;
  std::size_t point = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = static_cast<unsigned>(text[i] - '0');
    if (digit < 10)
      digits = 10 * digits + digit;
    else if (text[i] == '.' && point == text.size())
      point = i;
    else
      return false;
  }
  const bool pointed = point < text.size();
  if (text.size() - pointed > 19 || text.size() == static_cast<std::size_t>(pointed)) return false;
  return divide(digits, pointed ? text.size() - point - 1 : 0, value);
}

}  // namespace

Decimal read_decimal(std::string_view text, real& value) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (read_plain(text, value)) {
    if (negative) value = -value;
    return Decimal::read;
  }
  if (text.empty() || text.front() == '-') return Decimal::no_number;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return Decimal::no_number;
  if (error == std::errc::result_out_of_range) {
    if (!is_small(text)) return Decimal::too_large;
    value = 0;
  }
  if (std::isnan(value)) return Decimal::no_number;
  if (negative) value = -value;
  return Decimal::read;
}

}}  // namespace fovea
