#include "g2p/judge.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace examples {

using namespace fovea;

Judgement judge(std::span<const Word> words, std::span<const Sounds> said,
                const std::vector<std::string>& phonemes) {
  WordErrorRate all;
  Index wrong = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::optional<WordErrorRate> best;
    for (const Sounds& sounds : words[i].sounds) {
      WordErrorRate one;
      one.add(spoken(said[i], phonemes), spoken(sounds, phonemes));
      if (!best || one.edits() < best->edits()) best = one;
    }
    wrong += best->edits() > 0;
    all += *best;
  }
  return {all.result(), static_cast<double>(wrong) / static_cast<double>(words.size())};
}

LetterByLetter::LetterByLetter(std::span<const Word> words) {
  std::array<std::map<std::int32_t, Index>, 26> counts;
  for (const Word& word : words) {
    const Sounds& sounds = word.sounds.front();
    for (std::size_t i = 0; i < word.letters.size(); ++i)
      ++counts[static_cast<std::size_t>(word.letters[i] - 'a')]
              [sounds[i * sounds.size() / word.letters.size()]];
  }
  for (std::size_t letter = 0; letter < counts.size(); ++letter)
    if (!counts[letter].empty())
      sounds_[letter] = std::ranges::max_element(counts[letter], {}, [](const auto& c) {
                          return c.second;
                        })->first;
}

Sounds LetterByLetter::speak(const std::string& letters) const {
  Sounds sounds;
  for (const char letter : letters)
    sounds.push_back(sounds_[static_cast<std::size_t>(letter - 'a')]);
  return sounds;
}

double moving_on(std::span<const AttentionMap> words) {
  Index steps = 0, on = 0;
  for (const AttentionMap& word : words) {
    std::ptrdiff_t before = 0;
    for (std::size_t i = 0; i < word.queries.size(); ++i) {
      const auto row = word.weights.values().subspan(i * word.keys.size(), word.keys.size());
      const std::ptrdiff_t at = std::ranges::max_element(row) - row.begin();
      steps += i > 0;
      on += i > 0 && at >= before;
      before = at;
    }
  }
  return steps == 0 ? 1 : static_cast<double>(on) / static_cast<double>(steps);
}

}  // namespace examples
