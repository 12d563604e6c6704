#include "fovea/data/utf8.hpp"

#include <cstring>

#include "data/utf8_character.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Table 3-7 of the Unicode standard: the second byte is the only one whose range varies.
Utf8Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const std::size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (text.size() < 2 || byte(1) < low || byte(1) > high) return {1, false};
  for (std::size_t i = 2; i < bytes; ++i)
    if (text.size() <= i || (byte(i) & 0xC0) != 0x80) return {i, false};
  return {bytes, true};
}

namespace {

// The number of bytes of ASCII in front, eight at a time.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t count = 0;
  for (std::uint64_t word = 0; count + 8 <= text.size(); count += 8) {
    std::memcpy(&word, text.data() + count, 8);
    if (word & 0x8080808080808080) break;
  }
  while (count < text.size() && static_cast<unsigned char>(text[count]) < 0x80) ++count;
  return count;
}

}  // namespace

std::optional<Index> find_invalid_utf8(std::string_view text) {
  for (std::size_t i = ascii_prefix(text); i < text.size(); i += ascii_prefix(text.substr(i))) {
    const auto [bytes, valid] = first_character(text.substr(i));
    if (!valid) return static_cast<Index>(i);
    i += bytes;
  }
  return {};
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto [bytes, valid] = first_character(text);
    if (valid)
      result += text.substr(0, bytes);
    else
      result += "\xEF\xBF\xBD";
    text.remove_prefix(bytes);
  }
  return result;
}

}}  // namespace fovea
