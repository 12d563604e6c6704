// Masks of attention as values: softmax over what they keep has the bits of softmax with a byte for
// each score, forward and backward, and takes no memory for them.
#include <doctest/doctest.h>

#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;
using support::refusal;

namespace {

AttentionMask drawn(Generate& g, const Shape& scores) {
  AttentionMask mask{.causal = g.chance(0.5)};
  if (g.chance(0.5))
    mask.window = g.chance(0.2) ? std::numeric_limits<Index>::max() : g.integer(1, scores[-1] + 2);
  if (g.chance(0.5)) mask.keep = g.mask(Shape{scores[0], scores[-1]}, 0.6);
  if (g.chance(0.5)) mask.queries = g.mask(Shape{scores[0], scores[-2]}, 0.7);
  return mask;
}

struct Outcome {
  Array weights, gradient;
};

template <class Softmax>
Outcome outcome(const Array& scores, const Array& dy, bool twice, const Softmax& softmax) {
  const Tensor x = Tensor::parameter(scores);
  const Tensor y = softmax(x);
  Tensor loss = sum(y * Tensor(dy));
  if (twice) loss = loss + sum(x * Tensor(dy));  // the rule adds to what is there
  loss.backward();
  return {y.value(), x.grad()};
}

}  // namespace

TEST_CASE(
    "attention_weights with an AttentionMask have the bits of softmax with the same mask byte for "
    "byte, "
    "forward and backward") {
  for (Index trial = 0; trial < 160; ++trial) {
    Generate g("attention mask", trial);
    const Index queries = g.integer(0, 5) * (trial % 3 == 0 ? 40 : 1),
                time = g.integer(0, trial % 3 == 0 ? 300 : 9);
    const Shape shape = trial % 2 == 0 ? Shape{g.integer(0, 3), queries, time}
                                       : Shape{g.integer(0, 3), g.integer(1, 3), queries, time};
    const AttentionMask mask = drawn(g, shape);
    INFO("trial ", trial, ", scores ", to_string(shape), ", FOVEA_SEED=", support::seed());
    const Array scores = g.array(shape, {-3, 3}), dy = g.array(shape, {-1, 1});
    for (const bool twice : {false, true}) {
      const Outcome bytes =
                        outcome(scores, dy, twice,
                                [&](const Tensor&x) { return softmax(x, -1, mask.dense(shape)); }),
                    value = outcome(scores, dy, twice,
                                    [&](const Tensor&x) { return attention_weights(x, mask); });
      CHECK(bits_differ(value.weights, bytes.weights) == "");
      CHECK(bits_differ(value.gradient, bytes.gradient) == "");
    }
  }
}

TEST_CASE("an AttentionMask keeps what its conditions say, all of them") {
  const auto bytes = [](const AttentionMask& mask) { return mask.dense(Shape{1, 4, 4}).keep(); };
  using Bytes = std::vector<std::uint8_t>;
  CHECK(bytes({}) == Bytes(16, 1));
  CHECK(bytes({.causal = true}) == Bytes{1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1});
  CHECK(bytes({.window = 2}) == Bytes{1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1});
  CHECK(bytes({.causal = true, .window = 2}) ==
        Bytes{1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1});
  CHECK(bytes({.causal = true, .keep = Mask(Shape{1, 4}, {0, 1, 1, 1})}) ==
        Bytes{0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1});
  CHECK(bytes({.queries = Mask(Shape{1, 4}, {1, 0, 1, 0})}) ==
        Bytes{1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("what an AttentionMask drops is never read") {
  Generate g("dropped scores", 0);
  const Shape shape{2, 70, 70};
  const Array clean = g.array(shape, {-2, 2});
  for (Index trial = 0; trial < 20; ++trial) {
    const AttentionMask mask = drawn(g, shape);
    const Mask kept = mask.dense(shape);
    Array spoiled = clean.clone();
    for (Index i = 0; i < spoiled.count(); ++i)
      if (!kept.at(i)) spoiled.mutable_data()[i] = std::numeric_limits<real>::quiet_NaN();
    CHECK(bits_differ(attention_weights(spoiled, mask).value(),
                      attention_weights(clean, mask).value()) == "");
  }
}

TEST_CASE("a causal mask or a window takes no memory for each query and position") {
  const Index time = 512;
  const Tensor scores(Array::zeros(Shape{1, time, time}));
  for (const AttentionMask& mask :
       {AttentionMask{.causal = true}, AttentionMask{.window = 3},
        AttentionMask{.keep = Mask(Shape{1, time}, std::vector<std::uint8_t>(time, 1))}}) {
    static_cast<void>(attention_weights(scores, mask));
    const Index before = memory::bytes_now();
    const Tensor weights = attention_weights(scores, mask);
    const Index slack = 4096;
    CHECK(memory::bytes_now() - before <= time * time * static_cast<Index>(sizeof(real)) + slack);
    memory::reset_peak();
    const Index peak = memory::bytes_peak();
    static_cast<void>(attention_weights(scores, mask));
    CHECK(memory::bytes_peak() - peak <= time * time * static_cast<Index>(sizeof(real)) + 131072);
  }
}

TEST_CASE("an AttentionMask that does not fit the scores is rejected") {
  const Tensor scores(Array::zeros(Shape{2, 3, 4}));
  CHECK(refusal<ShapeError>([&] {
          attention_weights(scores, {.keep = Mask(Shape{2, 3})});
        }) ==
        "attention_weights: expected a mask `keep` of shape (2, 4) for scores of (2, 3, 4), got "
        "(2, 3); give "
        "a byte for each sample and position");
  CHECK(refusal<ShapeError>([&] { attention_weights(scores, {.queries = Mask(Shape{3})}); }) ==
        "attention_weights: expected a mask `queries` of shape (2, 3) for scores of (2, 3, 4), got "
        "(3,); "
        "give a byte for each sample and query");
  CHECK(refusal<ValueError>([&] { attention_weights(scores, {.window = 0}); }) ==
        "attention_weights: expected a window of at least 1, got 0; leave it out to look at any "
        "distance");
  CHECK(refusal<ShapeError>([&] {
          attention_weights(Tensor(Array::zeros(Shape{3, 4})), {.causal = true});
        }) ==
        "attention_weights: expected scores of shape (batch, ..., queries, time), got (3, 4); give "
        "them a "
        "batch axis, or use softmax(x, axis, mask)");
}
