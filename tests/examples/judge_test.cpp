// How words that were spoken are judged, by hand.
#include "g2p/judge.hpp"

#include <doctest/doctest.h>

using namespace examples;

namespace {

const std::vector<std::string> phonemes = {"a", "b", "c"};

}  // namespace

TEST_CASE("a word is compared with its nearest pronunciation, and errors count by phonemes") {
  const std::vector<Word> words = {{"x", {{0, 1, 2, 0}, {2, 2}}}, {"y", {{1}}}, {"z", {{0, 0, 0}}}};
  const std::vector<Sounds> said = {{2, 1}, {1}, {}};
  const Judgement judged = judge(words, said, phonemes);
  CHECK(judged.phonemes == doctest::Approx(4.0 / 6));  // 1 of 2, 0 of 1, 3 of 3
  CHECK(judged.words == doctest::Approx(2.0 / 3));
}

TEST_CASE("letter by letter, a letter has the sound that stands most often at its place") {
  const std::vector<Word> words = {{"abc", {{0, 1, 2}, {1, 1, 1}}},
                                   {"aabb", {{2, 1}}},
                                   {"bd", {{1, 0}}},
                                   {"ccca", {{0, 1}}},
                                   {"a", {{0}}},
                                   {"a", {{0}}}};
  const LetterByLetter baseline(words);
  CHECK(baseline.speak("abcd") == Sounds{0, 1, 0, 0});
  CHECK(baseline.speak("z") == Sounds{0});
  CHECK(baseline.speak("") == Sounds{});
}

TEST_CASE("attention moves on where the letter of the largest weight is no earlier one") {
  using fovea::Array;
  using fovea::AttentionMap;
  const AttentionMap diagonal{
      "x", Array({1, 3, 2}, {1, 0, 0.25, 0.75, 0, 1}), {"1", "2", "3"}, {"a", "b"}},
      back{"y", Array({1, 3, 2}, {0, 1, 0.75, 0.25, 0, 1}), {"1", "2", "3"}, {"a", "b"}},
      one{"z", Array({1, 1, 1}, {1}), {"1"}, {"a"}};
  CHECK(moving_on(std::vector{diagonal}) == 1);
  CHECK(moving_on(std::vector{back}) == 0.5);
  CHECK(moving_on(std::vector{diagonal, back, one}) == 0.75);
  CHECK(moving_on(std::vector{one}) == 1);
}
