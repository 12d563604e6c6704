// Texts as sequences of characters or words, and what sequences have in common.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

/// Returns the code points of UTF-8. A byte that is none stands as 0xDC00 + byte.
std::u32string code_points(std::string_view text);

/// Returns whether Python's str.split splits there.
bool is_space(char32_t c);
/// Returns the text with small letters for A to Z.
std::u32string lowered(std::u32string text);
/// Returns what stands between spaces.
std::vector<std::u32string> words(std::u32string_view text);
/// Returns the words of sacrebleu's tokenizer "13a".
std::vector<std::u32string> words_13a(std::u32string text);
/// Returns the words of rouge-score: runs of a to z and 0 to 9, after lowering.
std::vector<std::u32string> words_rouge(std::u32string_view text);

/// Gives equal words equal numbers, so that a text is a sequence of these.
class Numbering {
 public:
  std::u32string operator()(const std::vector<std::u32string>& words);

 private:
  std::unordered_map<std::u32string, char32_t> numbers_;
};

/// How often each n-gram stands in a sequence. It looks into the sequence.
using Ngrams = std::unordered_map<std::u32string_view, Index>;

/// Returns the n-grams of a sequence.
Ngrams ngrams(std::u32string_view sequence, Index order);
/// Returns how many n-grams of a sequence of some length there are.
Index count_of(std::u32string_view sequence, Index order);
/// Returns the sum of the lower one of both counts over all n-grams.
Index common(const Ngrams& a, const Ngrams& b);

/// Returns the number of insertions, deletions and substitutions that make `a` to `b`.
Index edit_distance(std::u32string_view a, std::u32string_view b);
/// Returns the length of the longest common subsequence.
Index longest_common(std::u32string_view a, std::u32string_view b);

}  // namespace metrics

}}  // namespace fovea
