// Valid and invalid UTF-8.
#include "fovea/data/utf8.hpp"

#include <doctest/doctest.h>

#include "support/generate.hpp"

using namespace fovea;

namespace {

const std::string replacement = "\xEF\xBF\xBD";

std::string encoded(std::uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

}  // namespace

TEST_CASE("exactly the code points without surrogates are valid") {
  Index wrong = 0;
  for (std::uint32_t code = 0; code < 0x120000; ++code) {
    const bool valid = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
    wrong += find_invalid_utf8("ascii of 8 bytes" + encoded(code)) !=
             (valid ? std::optional<Index>() : Index(16));
  }
  CHECK(wrong == 0);
}

// The examples of the Unicode standard, 3.9, "U+FFFD Substitution of Maximal Subparts".
TEST_CASE("each maximal piece of invalid bytes becomes one U+FFFD") {
  const auto replaced = [](std::string_view text) {
    std::string result = replace_invalid_utf8(text);
    for (std::size_t at = 0; (at = result.find(replacement, at)) != std::string::npos;)
      result.replace(at, 3, "?");
    return result;
  };
  CHECK(replaced("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64") == "a???b?c??d");
  CHECK(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == "????????A");
  CHECK(replaced("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == "????????A");
  CHECK(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == "?????A??B");
  CHECK(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == "????A");
  CHECK(replaced("") == "");
  CHECK(replaced("caf\xE9") == "caf?");
}

TEST_CASE("what is replaced is valid, and what is valid stays") {
  for (Index trial = 0; trial < 2000; ++trial) {
    support::Generate draw("utf8", trial);
    std::string valid, any;
    for (Index i = draw.integer(0, 20); i > 0; --i) {
      valid += encoded(static_cast<std::uint32_t>(draw.chance(0.5) ? draw.integer(0, 0x7F)
                                                                   : draw.integer(0x80, 0xD7FF)));
      any += static_cast<char>(draw.chance(0.3) ? draw.integer(0, 127) : draw.integer(128, 255));
    }
    CHECK(replace_invalid_utf8(valid) == valid);
    const std::string replaced = replace_invalid_utf8(any);
    CHECK(!find_invalid_utf8(replaced));
    CHECK((replaced == any) == !find_invalid_utf8(any));
  }
}
