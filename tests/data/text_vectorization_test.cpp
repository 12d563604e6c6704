// TextVectorization against Keras' results and by its rules.
#include "fovea/data/text_vectorization.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "fovea/base/error.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "text_golden.hpp"

using namespace fovea;
using namespace text_golden;
using support::refusal;

namespace {

using Texts = std::vector<std::string>;

// Texts of short words, so that many are equally frequent.
Texts drawn_texts(support::Generate& draw, Index count) {
  Texts texts(static_cast<std::size_t>(count));
  for (std::string& text : texts)
    for (Index words = draw.integer(0, 12); words > 0; --words) {
      for (Index letters = draw.integer(1, 3); letters > 0; --letters)
        text += static_cast<char>('a' + draw.integer(0, 5));
      text += draw.chance(0.2) ? ", " : " ";
    }
  return texts;
}

}  // namespace

TEST_CASE("texts become what Keras makes of them, for each option") {
  const Json golden = read("text_vectorization.json");
  const auto adapted = golden["adapted"].get<Texts>(), called = golden["called"].get<Texts>();
  Index agree = 0;
  for (const Json& expected : golden["cases"]) {
    CAPTURE(expected["config"].dump());
    TextVectorization vectorize(options(expected["config"]));
    if (!expected["config"].contains("vocabulary")) vectorize.adapt(adapted);
    CHECK(vectorize.get_vocabulary() == expected["vocabulary"].get<Texts>());
    CHECK(vectorize.vocabulary_size() == static_cast<Index>(expected["vocabulary"].size()));
    const Samples result = vectorize(called);
    CHECK(result.shape() == Shape(expected["shape"].get<std::vector<Index>>()));
    const std::vector<double> ours = numbers(result), theirs = expected["values"];
    REQUIRE(ours.size() == theirs.size());
    bool same = true;
    for (std::size_t i = 0; i < ours.size(); ++i)
      same &= std::abs(ours[i] - theirs[i]) <= 1e-6 * (1 + std::abs(theirs[i]));
    CHECK(same);
    agree += same;
  }
  std::printf("figure: text vectorization as Keras = %lld of %zu\n", static_cast<long long>(agree),
              golden["cases"].size());
}

TEST_CASE("results are the same for any number of threads, and those of each text alone") {
  const Index before = threads();
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate draw("text_threads", trial);
    const Texts texts = drawn_texts(draw, draw.integer(1, 400));
    const TextOutput mode = static_cast<TextOutput>(draw.integer(0, 3));
    const TextVectorizationOptions o = {.max_tokens = draw.integer(3, 60), .output_mode = mode};
    TextVectorization alone(o), many(o);
    if (std::ranges::all_of(texts, &std::string::empty)) continue;
    set_threads(1);
    alone.adapt(texts);
    const Samples one = alone(texts);
    set_threads(7);
    many.adapt(texts);
    CHECK(many.get_vocabulary() == alone.get_vocabulary());
    CHECK(many.idf_weights() == alone.idf_weights());
    CHECK(numbers(many(texts)) == numbers(one));
    const auto last = static_cast<Index>(texts.size()) - 1;
    const Samples single = many(std::span(texts).last(1));
    const std::vector<double> row = numbers(one.rows(last, last + 1)), own = numbers(single);
    CHECK(std::ranges::equal(std::span(row).first(own.size()), own));
    CHECK(std::ranges::all_of(std::span(row).subspan(own.size()), [](double v) { return v == 0; }));
  }
  set_threads(before);
}

TEST_CASE("tokens follow by falling frequency, and then by falling bytes") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate draw("text_order", trial);
    Texts texts = drawn_texts(draw, 100);
    texts.push_back("a");
    std::map<std::string, Index> counts;
    TextVectorization vectorize{{.split = [&](std::string_view text) {
      return Texts{std::string(text.substr(0, text.find(' ')))};
    }}};
    for (const std::string& text : texts) {
      std::string word = text.substr(0, text.find(' '));
      std::erase(word, ',');
      if (!word.empty()) ++counts[word];
    }
    vectorize.adapt(texts);
    const Texts vocabulary = vectorize.get_vocabulary(false);
    CHECK(vocabulary.size() == counts.size());
    for (std::size_t i = 1; i < vocabulary.size(); ++i)
      CHECK(std::pair(counts[vocabulary[i - 1]], vocabulary[i - 1]) >
            std::pair(counts[vocabulary[i]], vocabulary[i]));
  }
}

TEST_CASE("functions of one's own standardize and split") {
  TextVectorization vectorize{
      {.standardize = [](std::string_view text) { return std::string(text.rbegin(), text.rend()); },
       .split =
           [](std::string_view text) {
             const std::size_t comma = text.find(',');
             return Texts{std::string(text.substr(0, comma)), std::string(text.substr(comma + 1))};
           }}};
  vectorize.adapt({"ab,cd", "ab,ef"});
  CHECK(vectorize.get_vocabulary() == Texts{"", "[UNK]", "ba", "fe", "dc"});
  // An empty token is padding, as in Keras.
  CHECK(numbers(vectorize({"ab,", "xy,cd"})) == std::vector<double>{0, 2, 4, 1});
}

TEST_CASE("ngrams of 2 are single tokens and pairs, {2} pairs alone") {
  TextVectorization both{{.ngrams = 2}}, pairs{{.ngrams = {2}}};
  both.adapt({"a b c"});
  pairs.adapt({"a b c"});
  CHECK(both.get_vocabulary(false) == Texts{"c", "b c", "b", "a b", "a"});
  CHECK(pairs.get_vocabulary(false) == Texts{"b c", "a b"});
}

TEST_CASE("texts without tokens are rows of padding; no texts are no rows") {
  TextVectorization vectorize;
  vectorize.adapt({"one two"});
  CHECK(vectorize({"", " ", "!"}).shape() == Shape{3, 0});
  CHECK(vectorize(Texts()).shape() == Shape{0, 0});
  CHECK(numbers(vectorize({"", "two"})) == std::vector<double>{0, 2});
}

TEST_CASE("a vocabulary that is learned anew replaces the one before, also in copies only there") {
  TextVectorization vectorize;
  vectorize.adapt({"old"});
  TextVectorization copy = vectorize;
  copy.adapt({"new words"});
  CHECK(vectorize.get_vocabulary(false) == Texts{"old"});
  CHECK(copy.get_vocabulary(false) == Texts{"words", "new"});
}

TEST_CASE("a failed adapt leaves the vocabulary as it was") {
  TextVectorization vectorize;
  vectorize.adapt({"old"});
  CHECK_THROWS_AS(vectorize.adapt({"good", "\xff"}), ValueError);
  CHECK_THROWS_AS(vectorize.adapt({"", "..."}), ValueError);
  CHECK(vectorize.get_vocabulary(false) == Texts{"old"});
}

TEST_CASE("bytes that are no UTF-8 are refused with their place, and can be replaced") {
  TextVectorization vectorize;
  CHECK(refusal<ValueError>([&] {
          vectorize.adapt({"fine", "caf\xe9 noir"});
        }) ==
        "TextVectorization: text 1: expected a text in UTF-8, got byte 0xe9 at position 3; convert "
        "it, or call replace_invalid_utf8");
  vectorize.adapt({"café"});
  CHECK_THROWS_AS(vectorize({"caf\xe9"}), ValueError);
  TextVectorization own{{.standardize = [](std::string_view) { return std::string("\x80"); }}};
  CHECK(refusal<ValueError>([&] { own.adapt({"x"}); }) ==
        "TextVectorization: text 0: expected a standardized text in UTF-8, got byte 0x80 at "
        "position 0; convert it, or call replace_invalid_utf8");
}

TEST_CASE("of many wrong texts the first is named, on any number of threads") {
  Texts texts(2000, "fine");
  for (const std::size_t wrong : {std::size_t(700), std::size_t(1100), std::size_t(1999)})
    texts[wrong] = "\xff";
  TextVectorization vectorize;
  vectorize.adapt({"fine"});
  const Index before = threads();
  for (const Index count : {1, 2, 7}) {
    set_threads(count);
    CHECK(refusal<ValueError>([&] {
            vectorize.adapt(texts);
          }).starts_with("TextVectorization: text 700: "));
    CHECK(refusal<ValueError>([&] {
            static_cast<void>(vectorize(texts));
          }).starts_with("TextVectorization: text 700: "));
  }
  set_threads(before);
}
