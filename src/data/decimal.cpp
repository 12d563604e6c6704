#include "data/decimal.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
  exponent = std::clamp(exponent, -(1LL << 62), 1LL << 62);
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

// Eight digits at once: neighbours are joined to pairs, pairs to fours, fours to eight. False where
// one of the bytes is no digit.
bool take_eight(const char* text, std::uint64_t& digits) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, 8);
  constexpr std::uint64_t high = 0xF0F0F0F0F0F0F0F0;
  if (((word & high) | (((word + 0x0606060606060606) & high) >> 4)) != 0x3333333333333333)
    return false;
  word -= 0x3030303030303030;
  word = 10 * word + (word >> 8);
  constexpr std::uint64_t pairs = 0x000000FF000000FF;
  word = (((word & pairs) * 0x000F424000000064) + (((word >> 16) & pairs) * 0x0000271000000001));
  digits = 100000000 * digits + (word >> 32);
  return true;
}

// Moves past digits, which go behind those that are there; more than 19 in all overflow.
inline const char* take_digits(const char* at, const char* end, std::uint64_t& digits) {
  for (; at < end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) break;
    digits = 10 * digits + digit;
  }
  return at;
}

// The same for digits that are likely to be many.
inline const char* take_many(const char* at, const char* end, std::uint64_t& digits) {
  if constexpr (std::endian::native == std::endian::little)
    while (end - at >= 8 && take_eight(at, digits)) at += 8;
  return take_digits(at, end, digits);
}

// Reads digits with or without a point, at most 19 behind zeros, which is what most numbers are.
bool read_plain(std::string_view text, real& value) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::uint64_t digits = 0;
  const char* at = take_digits(begin, end, digits);
  const char* const point = at;
  if (at < end && *at == '.') at = take_many(at + 1, end, digits);
  if (at != end) return false;
  const std::ptrdiff_t places = at > point ? at - point - 1 : 0;
  const std::ptrdiff_t count = point - begin + places;
  if (count == 0 || places > 22) return false;
  const std::size_t zeros = count <= 19 ? 0 : text.find_first_not_of("0.");
  if (count > 19 && std::count(begin, begin + std::min(zeros, text.size()), '0') < count - 19)
    return false;
  return divide(digits, static_cast<std::size_t>(places), value);
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
