#include "data/decimal.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

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
// Rounded, each of them.
constexpr double inverse_powers[] = {1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
                                     1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15,
                                     1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-21, 1e-22};
constexpr std::uint64_t whole_powers[] = {1,
                                          10,
                                          100,
                                          1000,
                                          10000,
                                          100000,
                                          1000000,
                                          10000000,
                                          100000000,
                                          1000000000,
                                          10000000000,
                                          100000000000,
                                          1000000000000,
                                          10000000000000,
                                          100000000000000,
                                          1000000000000000,
                                          10000000000000000,
                                          100000000000000000,
                                          1000000000000000000,
                                          10000000000000000000U};

// digits 10^-places, where it is known to be rounded to nearest. Both are exact in double below
// 2^53 (Clinger, "How to read floating point numbers accurately", 1990), and their quotient or
// product is rounded once. For float the digits, the inverse power and the product are rounded,
// each by a part in 2^53 at most: together less than four units in the last place of the double,
// which a float does not see unless half of its own last place is that near.
bool scale(std::uint64_t digits, std::ptrdiff_t places, real& value) {
  if (places > 22 || places < -22) return false;
  const bool exact = digits <= std::uint64_t(1) << 53;
  const auto whole = static_cast<double>(digits);
  constexpr bool is_double = sizeof(real) == sizeof(double);
  const double scaled = places < 0  ? whole * powers[-places]
                        : is_double ? whole / powers[places]
                                    : whole * inverse_powers[places];
  if (scaled > std::numeric_limits<real>::max()) return false;
  value = static_cast<real>(scaled);
  if constexpr (is_double) return exact;
  constexpr std::uint64_t beyond = (std::uint64_t(1) << 29) - 1, half = std::uint64_t(1) << 28;
  const std::uint64_t rest = std::bit_cast<std::uint64_t>(scaled) & beyond;
  return rest + 4 < half || rest > half + 4;
}

constexpr std::uint64_t each_byte = 0x0101010101010101, zeros = '0' * each_byte;

// The eight bytes from here on, the first one lowest.
std::uint64_t word_at(const char* text) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little)
    std::memcpy(&word, text, 8);
  else
    for (int i = 8; i-- > 0;) word = word << 8 | static_cast<unsigned char>(text[i]);
  return word;
}

// The first `count` bytes of a word, behind so many zeros that they are eight. Shifts by 64, which
// are none, are cut in two.
std::uint64_t behind_zeros(std::uint64_t word, std::size_t count) {
  return (word << (32 - 4 * count)) << (32 - 4 * count) | (zeros >> (4 * count)) >> (4 * count);
}

// A word less the zeros: bytes of at most 9 where they are digits. Sets the high bit of a byte of
// `wrong` where one is none.
std::uint64_t values_of(std::uint64_t word, std::uint64_t& wrong) {
  word ^= zeros;
  wrong |= word | (word + 0x76 * each_byte);
  return word;
}
bool are_digits(std::uint64_t wrong) { return (wrong & 0x80 * each_byte) == 0; }

// The number of eight digits, given their values: neighbours are joined to pairs, pairs to fours,
// fours to eight.
std::uint64_t number_of(std::uint64_t values) {
  values = 10 * values + (values >> 8);
  constexpr std::uint64_t pairs = 0x000000FF000000FF;
  return (((values & pairs) * 0x000F424000000064) +
          (((values >> 16) & pairs) * 0x0000271000000001)) >>
         32;
}

// The number of eight digits. False where one of the bytes is no digit.
bool take_eight(std::uint64_t word, std::uint64_t& number) {
  std::uint64_t wrong = 0;
  number = number_of(values_of(word, wrong));
  return are_digits(wrong);
}

// The number of bytes before the first point in a word; 8 where there is none. x - 1 borrows into
// the high bit of a byte of x that is 0, and of no lower one.
std::size_t before_point(std::uint64_t word) {
  const std::uint64_t x = word ^ '.' * each_byte;
  return static_cast<std::size_t>(std::countr_zero((x - each_byte) & ~x & 0x80 * each_byte)) / 8;
}

// Reads at most eight digits with or without a point, without a branch for each.
bool read_short(const char* text, std::size_t size, real& value) {
  std::uint64_t word = word_at(text), number = 0;
  const std::size_t point = before_point(word);
  std::ptrdiff_t places = 0;
  if (point < size) {
    const std::uint64_t front = (std::uint64_t(1) << (8 * point)) - 1;
    word = (word & front) | (word >> 8 & ~front);
    places = static_cast<std::ptrdiff_t>(--size - point);
  }
  return size > 0 && take_eight(behind_zeros(word, size), number) && scale(number, places, value);
}

// Moves past digits, which go behind those that are there; more than 19 in all overflow.
inline const char* take_digits(const char* at, const char* end, std::uint64_t& digits) {
  std::uint64_t number = 0;
  for (; end - at >= 8 && take_eight(word_at(at), number); at += 8)
    digits = 100000000 * digits + number;
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < 8 && take_eight(behind_zeros(word_at(at), rest), number)) {
    digits = digits * whole_powers[rest] + number;
    return end;
  }
  for (; at < end && *at >= '0' && *at <= '9'; ++at)
    digits = 10 * digits + static_cast<std::uint64_t>(*at - '0');
  return at;
}

// Takes a sign and two digits behind an e off the end, which is how most exponents are written.
// False where what stands behind the e is something else.
bool take_exponent(const char* begin, const char*& end, std::ptrdiff_t& exponent) {
  if (end - begin < 5 || (end[-4] | 0x20) != 'e') return true;
  const auto tens = static_cast<unsigned>(end[-2] - '0'),
             ones = static_cast<unsigned>(end[-1] - '0');
  if ((end[-3] != '-' && end[-3] != '+') || tens > 9 || ones > 9) return false;
  exponent = static_cast<std::ptrdiff_t>(10 * tens + ones);
  if (end[-3] == '-') exponent = -exponent;
  end -= 4;
  return true;
}

// The number of zeros behind a point, up to eight.
std::ptrdiff_t zeros_at(const char* text) { return std::countr_zero(word_at(text) ^ zeros) / 8; }

// Reads digits with or without a point and an exponent, at most 19 behind zeros, which is what most
// numbers are.
bool read_long(const char* begin, const char* end, real& value) {
  std::ptrdiff_t exponent = 0;
  if (!take_exponent(begin, end, exponent)) return false;
  std::uint64_t digits = 0;
  const auto size = static_cast<std::size_t>(end - begin);
  const std::size_t front = before_point(word_at(begin));
  const char* at = begin + front;
  if (front == 8 || front >= size)
    at = take_digits(begin, end, digits);
  else if (!take_eight(behind_zeros(word_at(begin), front), digits))
    return false;
  std::ptrdiff_t count = at - begin, places = 0;
  if (at < end && *at == '.') {
    const char* const fraction = at + 1;
    const bool below_one = digits == 0 && count <= 19;
    at = take_digits(fraction, end, digits);
    places = at - fraction;
    count = below_one ? places - (places > 19 ? zeros_at(fraction) : 0) : count + places;
    if (places == 0 && fraction - begin == 1) return false;
  }
  return at == end && at > begin && count <= 19 && scale(digits, places - exponent, value);
}

// Reads up to seven digits, a point, 8 to 24 digits and perhaps an exponent, which is how numbers
// with all their digits are written: four groups of digits, of which any but the last can be empty,
// without a branch for how long each is.
bool read_precise(const char* begin, const char* end, real& value) {
  std::ptrdiff_t exponent = 0;
  if (!take_exponent(begin, end, exponent)) return false;
  const std::size_t front = before_point(word_at(begin));
  const auto places = static_cast<std::size_t>(end - begin) - front - 1;
  if (front == 8 || places < 8 || places > 24) return false;
  const char* const fraction = begin + front + 1;
  const std::size_t first_count = places > 16 ? places - 16 : 0,
                    middle_count = places > 16 ? 8 : places - 8;
  std::uint64_t wrong = 0;
  const auto group = [&](const char* text, std::size_t count) {
    return number_of(values_of(behind_zeros(word_at(text), count), wrong));
  };
  const std::uint64_t whole = group(begin, front), first = group(fraction, first_count),
                      middle = group(fraction + first_count, middle_count),
                      last = group(end - 8, 8);
  // Up to 19 digits do not overflow, and none do that follow zeros.
  if (!are_digits(wrong) || first > 999 || (whole > 0 && front + places > 19)) return false;
  const std::uint64_t above = whole == 0 ? 0 : whole * whole_powers[places];
  return scale(above + (first * 100000000 + middle) * 100000000 + last,
               static_cast<std::ptrdiff_t>(places) - exponent, value);
}

bool read_plain(std::string_view text, real& value) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  return text.size() <= 8 ? read_short(begin, text.size(), value) || read_long(begin, end, value)
                          : read_precise(begin, end, value) || read_long(begin, end, value);
}

// Reads what the short ways leave, without a sign: all that std::from_chars reads.
[[gnu::noinline]] Decimal read_any(std::string_view text, bool negative, real& value) {
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

}  // namespace

Decimal read_decimal(std::string_view text, real& value) {
  if (text.empty()) return Decimal::no_number;
  const bool negative = text.front() == '-';
  text.remove_prefix(negative || text.front() == '+' ? 1 : 0);
  if (!read_plain(text, value)) return read_any(text, negative, value);
  value = std::copysign(value, negative ? real(-1) : real(1));
  return Decimal::read;
}

}}  // namespace fovea
