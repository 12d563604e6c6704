// Metrics of texts: parts that are merged, letters beyond ASCII, and what has no length.
#include "fovea/train/metrics/text.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "metrics/states.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "train/metrics/text_units.hpp"

using namespace fovea;
using states::bits;

namespace {

// A text of some words, with punctuation, letters beyond ASCII, entities and broken bytes.
std::string text(support::Generate& g) {
  const char* const pieces[] = {"the", "cat",    "sat",      "on.", "a,",   "mat",  "3.5", "4-5",
                                "été", "&quot;", "&amp;lt;", "(x)", "\xff", "日本", "K",   "İ"};
  std::string result;
  for (Index i = g.integer(0, 12); i > 0; --i)
    result += std::string(pieces[g.integer(0, 15)]) + (g.chance(0.1) ? "\u00a0" : " ");
  return result;
}

struct Pair {
  std::string hypothesis;
  std::vector<std::string> references;
};

template <class M>
void add(M& metric, const Pair& pair) {
  if constexpr (requires { metric.add(pair.hypothesis, pair.references); })
    metric.add(pair.hypothesis, pair.references);
  else
    metric.add(pair.hypothesis, pair.references[0]);
}

double number(double value) { return value; }
double number(const RougeScores& scores) {
  return scores.rouge1.f1 + 3 * scores.rouge2.precision + 7 * scores.rouge_l.recall;
}

// Whether parts that are merged in a random order give the bits of the whole.
template <class M>
bool is_mergeable(support::Generate& g, const M& empty, std::vector<Pair> pairs) {
  M whole = empty, merged = empty, part = empty;
  for (const Pair& pair : pairs) add(whole, pair);
  g.shuffle(pairs);
  for (const Pair& pair : pairs) {
    add(part, pair);
    if (g.chance(0.5)) continue;
    part += merged;
    merged = part;
    part = empty;
  }
  merged += part;
  return bits(number(whole.result())) == bits(number(merged.result()));
}

}  // namespace

TEST_CASE("metrics of texts are the same bits however texts are ordered, cut and merged") {
  for (Index trial = 0; trial < 100; ++trial) {
    support::Generate g("texts cut", trial);
    std::vector<Pair> pairs;
    for (Index i = g.integer(0, 12); i > 0; --i) {
      pairs.push_back({text(g), {text(g)}});
      if (g.chance(0.3)) pairs.back().references.push_back(text(g));
    }
    CHECK(is_mergeable(g, Bleu(), pairs));
    CHECK(is_mergeable(g, Bleu({.smoothing = BleuOptions::Smoothing::floor}), pairs));
    CHECK(is_mergeable(g, ChrF({.word_order = 2}), pairs));
    CHECK(is_mergeable(g, Rouge(), pairs));
    CHECK(is_mergeable(g, WordErrorRate(), pairs));
    CHECK(is_mergeable(g, CharacterErrorRate(), pairs));
  }
}

TEST_CASE("a text is as good as can be against itself, and one without words is worth nothing") {
  const std::string same = "the cat sat on the mat";
  Bleu bleu, of_nothing;
  bleu.add(same, {"another one", same});
  CHECK(bleu.result() == doctest::Approx(100));
  ChrF chrf;
  chrf.add(same, {"another one", same});
  CHECK(chrf.result() == doctest::Approx(100));
  Rouge rouge;
  rouge.add(same, {"another one", same});
  for (const RougeScore& score :
       {rouge.result().rouge1, rouge.result().rouge2, rouge.result().rouge_l})
    CHECK((score.precision == 1 && score.recall == 1 && score.f1 == 1));
  of_nothing.add("", {""});
  CHECK(of_nothing.result() == 0);
  CHECK(of_nothing.brevity_penalty() == 1);
  of_nothing.add("", {"a"});
  CHECK(of_nothing.brevity_penalty() == 0);
  CHECK((Bleu().result() == 0 && ChrF().result() == 0 && Rouge().result().rouge1.f1 == 0));
  CHECK(sentence_bleu("", {"a b"}) == 0);
}

TEST_CASE("the tokenizer 13a cuts as sacrebleu's does") {
  const std::pair<const char*, const char*> texts[] = {
      {"It costs 5. Or 1,000.50, or 3,", "It costs 5 . Or 1,000.50 , or 3 ,"},
      {"a.b c..d 9-9 x-y 7-", "a . b c . . d 9 - 9 x-y 7 -"},
      {"(a) [b] {c} d/e f'g \"h\" i_j ~k", "( a ) [ b ] { c } d / e f'g \" h \" i _ j ~ k"},
      {"&quot;a&quot; &amp;lt; &lt;b&gt;", "\" a \" < < b >"},
      {"one-\ntwo\nthree <skipped>four \n", "onetwo three four"},
      {"été. 日本,5", "été . 日本 , 5"}};
  for (const auto& [given, expected] : texts)
    CHECK(metrics::words_13a(metrics::code_points(given)) ==
          metrics::words(metrics::code_points(expected)));
}

TEST_CASE("n-grams of chrF that are longer than the reference do not count, as in sacrebleu") {
  ChrF chrf, with_words({.word_order = 2});
  chrf.add("abcdefgh", {"ab"});
  chrf.add("a cat sat on it", {"a cat sat on a mat"});
  CHECK(chrf.result() == doctest::Approx(63.967927739606644).epsilon(1e-9));
  with_words.add("abcdefgh", {"ab"});
  with_words.add("(a cat) sat! on it", {"(a cat) sat! on a mat"});
  CHECK(with_words.result() == doctest::Approx(72.74107747753757).epsilon(1e-9));
}

TEST_CASE("error rates count edits of words and of code points, not bytes") {
  WordErrorRate words;
  CHECK(words.result() == 0);
  words.add("the cat", "the  cat\u00a0sat\n");
  CHECK((words.edits() == 1 && words.length() == 3));
  words.add("a a a a a a", "b");
  CHECK(words.result() == 7.0 / 4);
  CharacterErrorRate characters;
  characters.add("été", "ete");
  CHECK((characters.edits() == 2 && characters.length() == 3));
  characters.add("日", "日本");
  CHECK((characters.edits() == 3 && characters.length() == 5));
  WordErrorRate empty;
  empty.add("", "");
  CHECK(empty.result() == 0);
  empty.add("a", "");
  CHECK(empty.result() == INFINITY);
}

TEST_CASE("bytes that are not UTF-8 are characters of their own") {
  for (const char* broken : {"\xff", "\xc3", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80",
                             "\xf4\x90\x80\x80", "\xe0\x80\x80", "\x80"}) {
    CharacterErrorRate rate;
    rate.add(broken, broken);
    CHECK((rate.edits() == 0 && rate.length() == static_cast<Index>(std::string(broken).size())));
  }
  CharacterErrorRate whole;
  whole.add("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xe2\x82\xac\x7f");
  CHECK((whole.edits() == 2 && whole.length() == 3));
}

TEST_CASE("without smoothing a length of n-grams that is never right makes BLEU 0") {
  const auto score = [](BleuOptions options) {
    Bleu bleu(options);
    bleu.add("the cat sat there now", {"the cat sat on a mat"});
    return bleu.result();
  };
  using Smoothing = BleuOptions::Smoothing;
  CHECK(score({.smoothing = Smoothing::none}) == 0);
  const double penalty = std::exp(1 - 6.0 / 5);
  CHECK(score({}) ==
        doctest::Approx(penalty * 100 * std::pow(3.0 / 5 * 2 / 4 * 1 / 3 * 0.5 / 2, 0.25)));
  CHECK(score({.smoothing = Smoothing::floor, .smooth_value = 0.2}) ==
        doctest::Approx(penalty * 100 * std::pow(3.0 / 5 * 2 / 4 * 1 / 3 * 0.2 / 2, 0.25)));
  CHECK(score({.smoothing = Smoothing::add_k, .smooth_value = 3}) ==
        doctest::Approx(penalty * 100 * std::pow(3.0 / 5 * 5 / 7 * 4 / 6 * 3 / 5, 0.25)));
  CHECK(score({.max_order = 2}) == doctest::Approx(penalty * 100 * std::sqrt(3.0 / 5 * 2 / 4)));
}

TEST_CASE("options and references that make no sense are rejected") {
  const auto told = [](auto call) { return support::refusal<ValueError>(call); };
  CHECK(told([] { Bleu().add("a", {}); }) == "Bleu: there are no references; give at least one");
  CHECK(told([] { ChrF().add("a", {}); }) == "ChrF: there are no references; give at least one");
  CHECK(told([] { Rouge().add("a", {}); }) == "Rouge: there are no references; give at least one");
  CHECK(told([] { Bleu({.max_order = 0}); }) == "Bleu: max_order is 0; it must be 1 to 16");
  CHECK(told([] { Bleu({.smooth_value = -1}); }) ==
        "Bleu: smooth_value is -1; it must be finite and at least 0");
  CHECK(told([] { Bleu() += Bleu({.max_order = 2}); }) ==
        "Bleu: counts with max_order 2 are added to those with 4");
  CHECK(told([] { ChrF({.char_order = 17}); }) == "ChrF: char_order is 17; it must be 1 to 16");
  CHECK(told([] { ChrF({.word_order = -1}); }) == "ChrF: word_order is -1; it must be 0 to 16");
  CHECK(told([] { ChrF({.beta = 0}); }) == "ChrF: beta is 0; it must be finite and above 0");
  CHECK(told([] { ChrF() += ChrF({.word_order = 2}); }) ==
        "ChrF: counts with char_order 6 and word_order 2 are added to those with 6 and 0");
}
