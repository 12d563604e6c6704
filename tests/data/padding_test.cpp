// pad_sequences against Keras, and splits.
#include "fovea/data/padding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "fovea/base/error.hpp"
#include "fovea/data/split.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "text_golden.hpp"

using namespace fovea;
using support::refusal;

namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

std::vector<Index> joined(const SplitPositions& split) {
  std::vector<Index> all = split.train;
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::ranges::sort(all);
  return all;
}

}  // namespace

TEST_CASE("sequences are padded and cut as Keras does") {
  for (const auto& expected : text_golden::read("pad_sequences.json")) {
    CAPTURE(expected.dump());
    PadOptions options;
    const auto end = [](const std::string& name) {
      return name == "pre" ? SequenceEnd::pre : SequenceEnd::post;
    };
    for (const auto& [name, value] : expected["options"].items()) {
      if (name == "maxlen") options.maxlen = value.get<Index>();
      if (name == "padding") options.padding = end(value);
      if (name == "truncating") options.truncating = end(value);
      if (name == "value") options.value = value;
    }
    const auto sequences = expected["sequences"].get<Sequences>();
    const PaddedSequences ours = pad_sequences(sequences, options);
    CHECK(ours.ids.shape() == Shape(expected["shape"].get<std::vector<Index>>()));
    CHECK(
        std::ranges::equal(ours.ids.values(), expected["values"].get<std::vector<std::int32_t>>()));
    // The sequences hold no padding.
    for (Index i = 0; i < ours.ids.count(); ++i)
      CHECK((ours.mask.keep()[static_cast<std::size_t>(i)] == 1) ==
            (ours.ids.at(i) != options.value));
  }
}

TEST_CASE("no sequences, and empty ones, are padded too; a maxlen of 0 is refused") {
  CHECK(pad_sequences(Sequences()).ids.shape() == Shape{0, 0});
  CHECK(pad_sequences({{}, {}}).ids.shape() == Shape{2, 0});
  CHECK(pad_sequences({{}}, {.maxlen = 2}).mask.kept() == 0);
  CHECK(refusal<ValueError>([] { pad_sequences({{1}}, {.maxlen = 0}); }) ==
        "pad_sequences: maxlen: expected at least 1, got 0");
}

TEST_CASE("equal content is on the same side, in any order and company") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate draw("split", trial);
    std::vector<std::string> texts(static_cast<std::size_t>(draw.integer(0, 300)));
    for (std::string& text : texts)
      text = std::string(static_cast<std::size_t>(draw.integer(0, 9)),
                         static_cast<char>('a' + draw.integer(0, 3)));
    const double fraction = draw.uniform(0.1, 0.9);
    const auto seed = draw.bits();
    const SplitPositions split = split_by_hash(texts, fraction, seed);
    std::map<std::string, bool> side;
    for (const Index i : split.train) side[texts[static_cast<std::size_t>(i)]] = false;
    for (const Index i : split.test) {
      const auto [known, fresh] = side.emplace(texts[static_cast<std::size_t>(i)], true);
      CHECK(known->second);
    }
    draw.shuffle(texts);
    for (const Index i : split_by_hash(texts, fraction, seed).test)
      CHECK(side[texts[static_cast<std::size_t>(i)]]);
    CHECK(joined(split).size() == texts.size());
  }
}

TEST_CASE(
    "a split by hash has about the fraction, other for other seeds, the same in all versions") {
  std::vector<std::string> texts;
  for (int i = 0; i < 20000; ++i) texts.push_back(std::to_string(i));
  const SplitPositions split = split_by_hash(texts, 0.2, 1);
  CHECK(std::abs(static_cast<double>(split.test.size()) / 20000 - 0.2) < 0.015);
  CHECK(split.test != split_by_hash(texts, 0.2, 2).test);
  // A larger fraction holds the smaller one's test part.
  const SplitPositions more = split_by_hash(texts, 0.3, 1);
  CHECK(std::ranges::includes(more.test, split.test));
  // As xxHash for Python has it.
  CHECK(std::vector<Index>(split.test.begin(), split.test.begin() + 5) ==
        std::vector<Index>{5, 12, 17, 24, 42});
}

TEST_CASE("rows are split by their values: zeros of both signs are equal, and all NaNs") {
  const real nan = std::numeric_limits<real>::quiet_NaN();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SplitPositions rows =
        split_by_hash(Array({4, 2}, {0, nan, real(-0.0), -nan, 0, 1, 0, 1}), 0.5, seed);
    const auto test = [&](Index i) { return std::ranges::find(rows.test, i) != rows.test.end(); };
    CHECK(test(0) == test(1));
    CHECK(test(2) == test(3));
    const SplitPositions ids = split_by_hash(Ids({3, 2}, {1, 2, 2, 1, 1, 2}), 0.5, seed);
    CHECK((std::ranges::find(ids.test, 0) == ids.test.end()) ==
          (std::ranges::find(ids.test, 2) == ids.test.end()));
  }
  CHECK(split_by_hash(Ids(Shape{0, 2}), 0.5).test.empty());
}

TEST_CASE("a random split has exactly the fraction, each sample once") {
  for (Index trial = 0; trial < 30; ++trial) {
    support::Generate draw("train_test_split", trial);
    const Index count = draw.integer(10, 300);
    const double fraction = draw.uniform(0.1, 0.9);
    const SplitPositions split = train_test_split(count, fraction, draw.bits());
    CHECK(static_cast<Index>(split.test.size()) ==
          std::llround(fraction * static_cast<double>(count)));
    CHECK(std::ranges::is_sorted(split.train));
    CHECK(std::ranges::is_sorted(split.test));
    const std::vector<Index> all = joined(split);
    for (Index i = 0; i < count; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
  }
  CHECK(train_test_split(100, 0.5, 1).test != train_test_split(100, 0.5, 2).test);
  CHECK_THROWS_AS(train_test_split(2, 0.1), ValueError);
  for (const double wrong : {0.0, 1.0, -0.5, std::nan("")}) {
    CHECK_THROWS_AS(train_test_split(10, wrong), ValueError);
    CHECK_THROWS_AS(split_by_hash(std::vector<std::string>{"a"}, wrong), ValueError);
  }
}
