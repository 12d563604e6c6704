#include "viz/token_text.hpp"

#include <algorithm>
#include <iterator>

#include "data/utf8_character.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

namespace {

struct CodeRange {
  char32_t first, last;
};

// clang-format off
// Several to a line, in rising order.
// Marks that combine with the character before, and characters without a width.
constexpr CodeRange zero_wide[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5}, {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670},
    {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0711, 0x0711},
    {0x0730, 0x074A}, {0x0900, 0x0902}, {0x093A, 0x093A}, {0x093C, 0x093C}, {0x0941, 0x0948},
    {0x094D, 0x094D}, {0x0951, 0x0957}, {0x0962, 0x0963}, {0x0981, 0x0981}, {0x09BC, 0x09BC},
    {0x09C1, 0x09C4}, {0x09CD, 0x09CD}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
    {0x0EB1, 0x0EB1}, {0x0EB4, 0x0EBC}, {0x0EC8, 0x0ECD}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200D}, {0x2060, 0x2064}, {0x20D0, 0x20F0}, {0x302A, 0x302D}, {0x3099, 0x309A},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};

// Wide (W) and full-width (F) characters.
constexpr CodeRange two_wide[] = {
    {0x1100, 0x115F}, {0x231A, 0x231B}, {0x2329, 0x232A}, {0x23E9, 0x23EC}, {0x23F0, 0x23F0},
    {0x23F3, 0x23F3}, {0x25FD, 0x25FE}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267F, 0x267F},
    {0x2693, 0x2693}, {0x26A1, 0x26A1}, {0x26AA, 0x26AB}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5},
    {0x26CE, 0x26CE}, {0x26D4, 0x26D4}, {0x26EA, 0x26EA}, {0x26F2, 0x26F3}, {0x26F5, 0x26F5},
    {0x26FA, 0x26FA}, {0x26FD, 0x26FD}, {0x2705, 0x2705}, {0x270A, 0x270B}, {0x2728, 0x2728},
    {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
    {0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55},
    {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF},
    {0xA960, 0xA97F}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE10, 0xFE19}, {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x16FE0, 0x18CFF}, {0x1AFF0, 0x1B2FF}, {0x1F004, 0x1F004},
    {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320},
    {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA},
    {0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E},
    {0x1F440, 0x1F440}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F54E},
    {0x1F550, 0x1F567}, {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4},
    {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2},
    {0x1F6D5, 0x1F6D7}, {0x1F6DC, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC},
    {0x1F7E0, 0x1F7EB}, {0x1F7F0, 0x1F7F0}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945},
    {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
// clang-format on

bool is_in(char32_t code, const auto& ranges) {
  const auto* const after = std::ranges::upper_bound(ranges, code, {}, &CodeRange::first);
  return after != std::begin(ranges) && code <= std::prev(after)->last;
}

// The code point of a valid character.
char32_t code_of(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  char32_t code = character.size() == 1 ? lead : lead & (0x7FU >> character.size());
  for (const char c : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3F);
  return code;
}

// Marks that turn the direction of the text around them, ends of lines and paragraphs, C1 controls,
// and what XML 1.0 does not take.
bool is_harmful(char32_t code) {
  return (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         (code & 0xFFFE) == 0xFFFE;
}

constexpr std::string_view replacement = "\xEF\xBF\xBD", ellipsis = "\xE2\x80\xA6";

Index columns_of(char32_t code) {
  return is_in(code, zero_wide) ? 0 : is_in(code, two_wide) ? 2 : 1;
}

}  // namespace

std::string shown_token(std::string_view token) {
  if (token.empty()) return "\xE2\x88\x85";
  const bool blank = token.find_first_not_of(' ') == token.npos;
  std::string result;
  while (!token.empty()) {
    const auto [bytes, valid] = first_character(token);
    const std::string_view character = token.substr(0, bytes);
    const char32_t code = valid ? code_of(character) : 0xFFFD;
    if (code < 0x20) {
      result += {'\xE2', '\x90', static_cast<char>(0x80 + code)};
    } else if (!valid || is_harmful(code)) {
      result += replacement;
    } else if (blank) {
      result += "\xE2\x90\xA3";
    } else {
      result += character;
    }
    token.remove_prefix(bytes);
  }
  return result;
}

Index columns_of(std::string_view text) {
  Index columns = 0;
  while (!text.empty()) {
    const std::size_t bytes = first_character(text).bytes;
    columns += columns_of(code_of(text.substr(0, bytes)));
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string cut_to(std::string_view text, Index columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string result;
  Index taken = 0;
  while (!text.empty()) {
    const std::size_t bytes = first_character(text).bytes;
    const Index more = columns_of(code_of(text.substr(0, bytes)));
    if (taken + more > columns - 1) break;
    taken += more;
    result += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return result + std::string(ellipsis);
}

}}}  // namespace fovea::viz
