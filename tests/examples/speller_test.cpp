// The model that speaks words, untrained: what is said must follow from its probabilities alone.
#include "g2p/speller.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/generate.hpp"

namespace {

using namespace fovea;
using examples::Sounds;
using examples::Speller;
using examples::Word;

std::vector<Word> drawn_words(support::Generate& g, Index count, Index sounds) {
  std::vector<Word> words;
  for (Index i = 0; i < count; ++i) {
    Word& word = words.emplace_back();
    for (Index length = g.integer(1, 6); length > 0; --length)
      word.letters += static_cast<char>('a' + g.integer(0, 25));
    Sounds& said = word.sounds.emplace_back();
    for (Index length = g.integer(1, 6); length > 0; --length)
      said.push_back(static_cast<std::int32_t>(g.integer(0, sounds - 1)));
  }
  return words;
}

std::vector<std::string> letters_of(const std::vector<Word>& words) {
  std::vector<std::string> letters;
  for (const Word& word : words) letters.push_back(word.letters);
  return letters;
}

// Large weights, so that an untrained model is sure of what it says.
Model sure_model(Index sounds, const examples::Lesson& lesson, std::uint64_t seed) {
  Model model{Speller{.sounds = sounds, .units = 6}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .seed = seed});
  model.build({lesson.letters, lesson.told});
  for (const NamedParameter& parameter : parameters_of(model)) {
    Tensor tensor = parameter.tensor;
    Array larger = tensor.value();
    for (real& value : larger.mutable_values()) value *= 4;
    tensor.assign(larger);
  }
  return model;
}

// The likeliest id at a position, of those that are no padding.
std::int32_t likeliest(const Array& p, Index t) {
  const auto row = p.values().subspan(static_cast<std::size_t>(t * p.shape()[2]),
                                      static_cast<std::size_t>(p.shape()[2]));
  return static_cast<std::int32_t>(std::max_element(row.begin() + 1, row.end()) - row.begin());
}

// The likeliest of the sounds that `beam` beginnings lead to, each of which the model hears anew.
Sounds searched(const Model& model, const std::string& letters, std::size_t beam) {
  struct Beginning {
    double score;
    Sounds sounds;
    bool ended;
  };
  std::vector<Beginning> kept = {{0, {}, false}};
  while (!std::ranges::all_of(kept, &Beginning::ended)) {
    std::vector<Beginning> next;
    for (const Beginning& one : kept) {
      if (one.ended) {
        next.push_back(one);
        continue;
      }
      const std::vector<Word> word = {{letters, {one.sounds}}};
      const examples::Lesson lesson = examples::lesson(word);
      const Array p = model.predict({lesson.letters, lesson.told});
      const Index ids = p.shape()[2], row = std::ssize(one.sounds) * ids;
      for (Index id = Speller::end; id < ids; ++id) {
        Beginning& longer = next.emplace_back(one);
        longer.score += std::log(static_cast<double>(p.at(row + id)));
        if (id != Speller::end)
          longer.sounds.push_back(static_cast<std::int32_t>(id) - Speller::specials);
        longer.ended = id == Speller::end || longer.sounds.size() == 2 * letters.size() + 4;
      }
    }
    std::ranges::stable_sort(next, std::ranges::greater(), &Beginning::score);
    next.resize(std::min(beam, next.size()));
    kept = std::move(next);
  }
  return kept.front().sounds;
}

}  // namespace

TEST_CASE("a lesson tells the decoder the sounds before, and asks for those and the end") {
  const std::vector<Word> words = {{"ab", {{3, 4, 5}, {0}}}, {"zzzzz", {{0}}}};
  const examples::Lesson lesson = examples::lesson(words);
  const auto row = [](const Ids& ids, Index i) {
    const Ids one = ids.rows(i, i + 1);
    return std::vector<std::int32_t>(one.values().begin(), one.values().end());
  };
  using Row = std::vector<std::int32_t>;
  CHECK(row(lesson.letters, 0) == Row{1, 2, 0, 0, 0});
  CHECK(row(lesson.letters, 1) == Row{26, 26, 26, 26, 26});
  CHECK(row(lesson.told, 0) == Row{1, 5, 6, 7, 0});
  CHECK(row(lesson.target, 0) == Row{5, 6, 7, 1, 0});
  CHECK(row(lesson.told, 1) == Row{1, 2, 0, 0, 0});
  CHECK(row(lesson.target, 1) == Row{2, 1, 0, 0, 0});
  CHECK_THROWS_AS(examples::letter_ids(std::vector<std::string>{"it's"}), ValueError);
  CHECK_THROWS_AS(examples::letter_ids(std::vector<std::string>{""}), ValueError);
}

TEST_CASE(
    "with a beam of 1 each sound is the likeliest behind those before, however words are batched") {
  Index checked = 0;
  for (Index trial = 0; trial < 6; ++trial) {
    support::Generate g("speller", trial);
    const std::vector<Word> words = drawn_words(g, 8, 5);
    const Model model = sure_model(5, examples::lesson(words), static_cast<std::uint64_t>(trial));
    const std::vector<std::string> letters = letters_of(words);
    const std::vector<Sounds> together = examples::speak(*model.module<Speller>(), letters);
    for (std::size_t i = 0; i < words.size(); ++i) {
      CAPTURE(letters[i]);
      const std::vector<Word> word = {{letters[i], {together[i]}}};
      const examples::Lesson lesson = examples::lesson(word);
      const Array p = model.predict({lesson.letters, lesson.told});
      const bool cut = together[i].size() == 2 * letters[i].size() + 4;
      for (Index t = 0; t < std::ssize(together[i]) + (cut ? 0 : 1); ++t)
        REQUIRE(likeliest(p, t) == lesson.target.at(t));
      ++checked;
    }
  }
  std::printf("figure: words that are spoken sound by sound as all at once = %lld\n",
              static_cast<long long>(checked));
}

TEST_CASE("a beam keeps the beginnings that the whole model finds likeliest") {
  Index different = 0;
  for (Index trial = 0; trial < 4; ++trial) {
    support::Generate g("beam", trial);
    const std::vector<Word> words = drawn_words(g, 5, 5);
    const Model model = sure_model(5, examples::lesson(words), static_cast<std::uint64_t>(trial));
    const std::vector<std::string> letters = letters_of(words);
    const Speller& speller = *model.module<Speller>();
    const std::vector<Sounds> wide = examples::speak(speller, letters, 3),
                              narrow = examples::speak(speller, letters);
    for (std::size_t i = 0; i < words.size(); ++i) {
      CAPTURE(letters[i]);
      CHECK(wide[i] == searched(model, letters[i], 3));
      different += wide[i] != narrow[i];
    }
  }
  CHECK(different > 0);
}
