#include "data/tokens.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/data/utf8.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Of ASCII, whatever the locale.
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

void check_utf8(std::string_view text, std::size_t number, std::string_view what) {
  const std::optional<Index> wrong = find_invalid_utf8(text);
  if (!wrong) return;
  const int byte = static_cast<unsigned char>(text[static_cast<std::size_t>(*wrong)]);
  throw ValueError(fmt::format(
      "TextVectorization: text {}: expected {} in UTF-8, got byte 0x{:02x} at position {}; convert "
      "it, or call replace_invalid_utf8",
      number, what, byte, *wrong));
}

}  // namespace

Tokens::Tokens(const TextVectorizationOptions& options) : options_(options) {
  for (const Index width : options.ngrams.widths)
    widths_.push_back(static_cast<std::size_t>(width));
  if (widths_.empty()) widths_ = {1};
  const TextStandardize* const kind = std::get_if<TextStandardize>(&options.standardize);
  const bool both = kind && *kind == TextStandardize::lower_and_strip_punctuation;
  const bool lowers = both || (kind && *kind == TextStandardize::lower);
  const bool strips = both || (kind && *kind == TextStandardize::strip_punctuation);
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    mapped_[i] = lowers ? lower(c) : c;
    kept_[i] = !(strips && is_punctuation(c));
  }
}

void Tokens::read(std::string_view text, std::size_t number) {
  joined_.clear();
  places_.clear();
  if (const auto* const function = std::get_if<StandardizeFunction>(&options_.standardize)) {
    standardized_ = (*function)(text);
    text = standardized_;
    check_utf8(text, number, "a standardized text");
  } else {
    check_utf8(text, number, "a text");
  }
  const TextSplit* const split = std::get_if<TextSplit>(&options_.split);
  if (split && *split == TextSplit::whitespace) return split_at_blanks(text);
  if (!std::holds_alternative<StandardizeFunction>(options_.standardize)) {
    standardized_.clear();
    for (const char c : text)
      if (kept_[static_cast<unsigned char>(c)])
        standardized_ += mapped_[static_cast<unsigned char>(c)];
  }
  if (split && *split == TextSplit::character) return split_at_characters(standardized_);
  if (split) return append(standardized_);
  for (const std::string& token : std::get<SplitFunction>(options_.split)(standardized_)) {
    check_utf8(token, number, "tokens");
    append(token);
  }
}

void Tokens::split_at_blanks(std::string_view text) {
  joined_.resize(text.size() + 1);
  char* const begin = joined_.data();
  char* out = begin;
  std::size_t token = 0;
  const auto end_token = [&] {
    const auto end = static_cast<std::size_t>(out - begin);
    if (end == token) return;
    places_.emplace_back(token, end);
    *out++ = ' ';
    token = end + 1;
  };
  for (const char c : text) {
    if (is_blank(c)) {
      end_token();
    } else {
      *out = mapped_[static_cast<unsigned char>(c)];
      out += kept_[static_cast<unsigned char>(c)];
    }
  }
  end_token();
}

void Tokens::split_at_characters(std::string_view text) {
  while (!text.empty()) {
    std::size_t bytes = 1;
    while (bytes < text.size() && (text[bytes] & 0xC0) == 0x80) ++bytes;
    append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

void Tokens::append(std::string_view token) {
  if (!places_.empty()) joined_ += ' ';
  places_.emplace_back(joined_.size(), joined_.size() + token.size());
  joined_ += token;
}

}}  // namespace fovea
