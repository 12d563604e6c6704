// How well words are spoken, and what comes of speaking letter by letter.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/pronunciations.hpp"

namespace examples {

/// Errors of words that were spoken.
struct Judgement {
  double phonemes;  ///< the phoneme error rate: edits by phonemes of the pronunciations
  double words;     ///< the part of the words with an edit
};

/// Compares each word's sounds with that of its pronunciations which needs the fewest edits.
Judgement judge(std::span<const Word> words, std::span<const Sounds> said,
                const std::vector<std::string>& phonemes);

/// Each letter as the sound that stands most often at its place: letter i of n at sound i s / n of
/// s.
class LetterByLetter {
 public:
  explicit LetterByLetter(std::span<const Word> words);
  Sounds speak(const std::string& letters) const;

 private:
  std::array<std::int32_t, 26> sounds_ = {};
};

/// Returns the part of the steps from one sound to the next in which the letter of the largest
/// weight stays or moves on; 1 without a step.
double moving_on(std::span<const fovea::AttentionMap> words);

}  // namespace examples
