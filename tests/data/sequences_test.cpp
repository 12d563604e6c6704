// Padding and cutting of sequences, against Keras' values and against rules drawn at random.
#include <doctest/doctest.h>

#include "fovea/base/error.hpp"
#include "fovea/data/sequences.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using Sequences = std::vector<std::vector<std::int32_t>>;

namespace {

const Sequences three = {{1}, {2, 3}, {4, 5, 6}};

std::vector<std::int32_t> ids(const PadOptions& options) {
  return pad_sequences(three, options).ids.values();
}

}  // namespace

TEST_CASE("pad_sequences gives what keras.utils.pad_sequences gives") {
  using Values = std::vector<std::int32_t>;
  CHECK(ids({}) == Values{0, 0, 1, 0, 2, 3, 4, 5, 6});
  CHECK(ids({.value = -1}) == Values{-1, -1, 1, -1, 2, 3, 4, 5, 6});
  CHECK(ids({.padding = SequenceEnd::post}) == Values{1, 0, 0, 2, 3, 0, 4, 5, 6});
  CHECK(ids({.maxlen = 2}) == Values{0, 1, 2, 3, 5, 6});
  CHECK(ids({.maxlen = 2, .truncating = SequenceEnd::post}) == Values{0, 1, 2, 3, 4, 5});
  CHECK(ids({.maxlen = 4, .padding = SequenceEnd::post}) ==
        Values{1, 0, 0, 0, 2, 3, 0, 0, 4, 5, 6, 0});
}

TEST_CASE("the mask keeps the ids that were given, also where they equal the padding") {
  for (Index trial = 0; trial < 100; ++trial) {
    support::Generate g("pad sequences", trial);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    Sequences sequences(static_cast<std::size_t>(g.integer(1, 6)));
    for (auto& sequence : sequences) {
      sequence.resize(static_cast<std::size_t>(g.integer(0, 7)));
      for (auto& id : sequence) id = static_cast<std::int32_t>(g.integer(0, 2));
    }
    const PadOptions options{.maxlen = g.integer(0, 9),
                             .padding = g.chance(0.5) ? SequenceEnd::pre : SequenceEnd::post,
                             .truncating = g.chance(0.5) ? SequenceEnd::pre : SequenceEnd::post};
    const auto [padded, mask] = pad_sequences(sequences, options);
    REQUIRE(padded.shape() == Shape{static_cast<Index>(sequences.size()), *options.maxlen});
    for (std::size_t row = 0; row < sequences.size(); ++row) {
      std::vector<std::int32_t> kept;
      const Index begin = static_cast<Index>(row) * *options.maxlen;
      for (Index i = begin; i < begin + *options.maxlen; ++i) {
        if (mask.at(i)) kept.push_back(padded.at(i));
        if (!mask.at(i)) CHECK(padded.at(i) == 0);
      }
      std::vector<std::int32_t> expected = sequences[row];
      while (static_cast<Index>(expected.size()) > *options.maxlen)
        options.truncating == SequenceEnd::pre ? void(expected.erase(expected.begin()))
                                               : expected.pop_back();
      CHECK(kept == expected);
    }
  }
}

TEST_CASE("wrong sequences and lengths are refused by name") {
  CHECK(support::refusal<ShapeError>([] { pad_sequences({}); }) ==
        "pad_sequences: expected at least one sequence, got none; pass some");
  CHECK(support::refusal<ValueError>([] { pad_sequences(three, {.maxlen = -1}); }) ==
        "pad_sequences: expected a maxlen of at least 0, got -1; leave it out for the length of "
        "the longest");
}
