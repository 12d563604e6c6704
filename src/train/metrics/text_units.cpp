#include "train/metrics/text_units.hpp"

#include <algorithm>
#include <numeric>

#include "data/utf8_character.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

namespace {

// Returns the code point of a valid character.
char32_t point_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  char32_t point = character.size() == 1 ? byte(0) : byte(0) & (0x7fU >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6 | (byte(i) & 0x3f);
  return point;
}

void replace_all(std::u32string& text, std::u32string_view old, std::u32string_view by) {
  std::u32string replaced;
  std::size_t begin = 0;
  for (std::size_t at = text.find(old); at != text.npos; at = text.find(old, begin)) {
    replaced.append(text, begin, at - begin).append(by);
    begin = at + old.size();
  }
  if (begin > 0) text = replaced.append(text, begin);
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_stop(char32_t c) { return c == U'.' || c == U','; }
// Punctuation of ASCII, space among it, but for ' , - and the full stop.
bool is_punctuation(char32_t c) {
  return (c >= U' ' && c <= U'&') || (c >= U'(' && c <= U'+') || c == U'/' ||
         (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') || (c >= U'{' && c <= U'~');
}

// Replaces each pair of neighbours, from left to right, of which `first` and `second` hold.
template <class First, class Second>
std::u32string with_pairs(std::u32string_view text, const First& first, const Second& second,
                          bool space_before, bool space_behind) {
  std::u32string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !first(text[i]) || !second(text[i + 1])) {
      result += text[i];
      continue;
    }
    if (space_before) result += U' ';
    result += {text[i], U' ', text[++i]};
    if (space_behind) result += U' ';
  }
  return result;
}

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character first = first_character(text);
    result += first.valid ? point_of(text.substr(0, first.bytes))
                          : char32_t(0xdc00 + static_cast<unsigned char>(text[0]));
    text.remove_prefix(first.valid ? first.bytes : 1);
  }
  return result;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

std::u32string lowered(std::u32string text) {
  for (char32_t& c : text)
    if (c >= U'A' && c <= U'Z') c += U'a' - U'A';
  return text;
}

std::vector<std::u32string> words(std::u32string_view text) {
  std::vector<std::u32string> result;
  for (std::size_t i = 0; i < text.size();) {
    const auto begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    if (i > begin) result.emplace_back(text.substr(begin, i - begin));
    if (i < text.size()) ++i;
  }
  return result;
}

std::vector<std::u32string> words_13a(std::u32string text) {
  while (!text.empty() && is_space(text.back())) text.pop_back();
  replace_all(text, U"<skipped>", U"");
  replace_all(text, U"-\n", U"");
  replace_all(text, U"&quot;", U"\"");
  replace_all(text, U"&amp;", U"&");
  replace_all(text, U"&lt;", U"<");
  replace_all(text, U"&gt;", U">");
  std::u32string apart = U" ";
  for (const char32_t c : text) {
    if (is_punctuation(c))
      apart += {U' ', c, U' '};
    else
      apart += c == U'\n' ? U' ' : c;
  }
  apart += U' ';
  const auto no_digit = [](char32_t c) { return !is_digit(c); };
  apart = with_pairs(apart, no_digit, is_stop, false, true);
  apart = with_pairs(apart, is_stop, no_digit, true, false);
  apart = with_pairs(
      apart, is_digit, [](char32_t c) { return c == U'-'; }, false, true);
  return words(apart);
}

std::vector<std::u32string> words_rouge(std::u32string_view text) {
  std::u32string apart;
  for (char32_t c : lowered(std::u32string(text))) {
    // The Kelvin sign and I with a dot are the letters beyond ASCII whose small ones are within.
    c = c == 0x212a ? U'k' : c;
    if (c == 0x130)
      apart += U"i ";
    else
      apart += is_digit(c) || (c >= U'a' && c <= U'z') ? c : U' ';
  }
  return words(apart);
}

std::u32string Numbering::operator()(const std::vector<std::u32string>& words) {
  std::u32string result;
  for (const std::u32string& word : words)
    result += numbers_.try_emplace(word, static_cast<char32_t>(numbers_.size())).first->second;
  return result;
}

Index count_of(std::u32string_view sequence, Index order) {
  return std::max<Index>(0, static_cast<Index>(sequence.size()) - order + 1);
}

Ngrams ngrams(std::u32string_view sequence, Index order) {
  Ngrams result;
  for (Index i = 0; i < count_of(sequence, order); ++i)
    ++result[sequence.substr(static_cast<std::size_t>(i), static_cast<std::size_t>(order))];
  return result;
}

Index common(const Ngrams& a, const Ngrams& b) {
  Index count = 0;
  for (const auto& [ngram, here] : a)
    if (const auto there = b.find(ngram); there != b.end()) count += std::min(here, there->second);
  return count;
}

Index edit_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<Index> row(b.size() + 1);
  std::iota(row.begin(), row.end(), Index(0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    Index diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const Index substituted = diagonal + (a[i] != b[j] ? 1 : 0);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, substituted});
    }
  }
  return row.back();
}

Index longest_common(std::u32string_view a, std::u32string_view b) {
  std::vector<Index> row(b.size() + 1, 0);
  for (const char32_t each : a) {
    Index diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const Index longer = each == b[j] ? diagonal + 1 : std::max(row[j + 1], row[j]);
      diagonal = row[j + 1];
      row[j + 1] = longer;
    }
  }
  return row.back();
}

}  // namespace metrics

}}  // namespace fovea
