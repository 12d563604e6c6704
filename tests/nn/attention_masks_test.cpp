// What is masked takes no part in attention, forward and backward: not even NaN or infinity.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fovea/nn/attention_layer.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

constexpr real missing = std::numeric_limits<real>::quiet_NaN(),
               infinity = std::numeric_limits<real>::infinity();

AttentionLayer built(AttentionLayer layer, Index features) {
  layer.build(Shape{5, features}, Rng(3));
  return layer;
}

// x with `value` in place of the positions that the mask drops.
Array with(const Array& x, const Mask& mask, real value) {
  Array result = x.clone();
  const Index features = x.shape()[2];
  for (Index i = 0; i < x.count(); ++i)
    if (!mask.keep()[static_cast<std::size_t>(i / features)]) result.mutable_data()[i] = value;
  return result;
}

Mask random_mask(Generate& g, const Shape& shape) {
  Mask mask(shape);
  for (std::uint8_t& keep : mask.mutable_keep()) keep = g.chance(0.6);
  return mask;
}

// The context, weights, and gradients of one call; of contexts only those that `counted` keeps have
// a part in the loss.
std::vector<Array> results(const AttentionLayer& layer, const Array& x,
                           const AttentionLayer::Options& options,
                           const std::optional<Mask>& counted) {
  const Tensor input = Tensor::parameter(x);
  for (const NamedParameter& parameter : parameters_of(layer)) Tensor(parameter.tensor).zero_grad();
  const Attended attention = layer.attend(input, options);
  const Tensor context = counted ? where(counted->reshaped(counted->shape().inserted(2, 1)),
                                         attention.context, scalar(0))
                                 : attention.context;
  sum(context * context).backward();
  std::vector<Array> all = {context.value(), input.grad()};
  for (const NamedParameter& parameter : parameters_of(layer))
    all.push_back(parameter.tensor.grad());
  return all;
}

void check_same(const std::vector<Array>& a, const std::vector<Array>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(bits_differ(a[i], b[i]) == "");
    for (const real value : a[i].values()) CHECK(std::isfinite(value));
  }
}

constexpr Score scores[] = {Score::additive, Score::dot, Score::scaled_dot, Score::general};

}  // namespace

TEST_CASE(
    "NaN and infinity at a masked position reach no context and no gradient, in every reading and "
    "score") {
  for (Index trial = 0; trial < 40; ++trial) {
    Generate g("masked attention", trial);
    const Index batch = g.integer(1, 3), time = g.integer(1, 6), features = g.integer(1, 7);
    const Reading reading = trial % 4 == 0   ? Reading::pool
                            : trial % 4 == 1 ? Reading::query
                                             : Reading::per_position;
    const Score score = reading == Reading::pool ? Score::additive : scores[g.integer(0, 3)];
    const AttentionLayer layer = built({.units = score == Score::general ? 0 : 4,
                                        .reading = reading,
                                        .score = score,
                                        .causal = reading == Reading::per_position && g.chance(0.5),
                                        .learned_query = reading == Reading::query},
                                       features);
    CAPTURE(trial);
    const Mask mask = random_mask(g, Shape{batch, time});
    const Array x = with(g.array(Shape{batch, time, features}, {-2, 2}), mask, 0);
    const std::optional<Mask> counted =
        reading == Reading::per_position ? std::optional(mask) : std::nullopt;
    const std::vector<Array> clean = results(layer, x, {.mask = mask}, counted);
    for (const real value : {missing, infinity, -infinity})
      check_same(results(layer, with(x, mask, value), {.mask = mask}, counted), clean);
  }
}

TEST_CASE("NaN in a query that query_mask leaves out reaches no other context and no gradient") {
  for (const Score score : scores) {
    Generate g("masked query", static_cast<Index>(score));
    const AttentionLayer layer = built(
        {.units = score == Score::general ? 0 : 4, .reading = Reading::query, .score = score}, 6);
    const Array x = g.array(Shape{2, 5, 6}, {-2, 2});
    const Mask asked(Shape{2, 3}, {1, 0, 1, 0, 0, 1});
    const Array query = with(g.array(Shape{2, 3, 6}, {-2, 2}), asked, 0);
    const auto with_query = [&](const Array& q) {
      return results(layer, x, {.query = Tensor(q), .query_mask = asked}, std::nullopt);
    };
    check_same(with_query(with(query, asked, missing)), with_query(query));
  }
}

TEST_CASE(
    "NaN at a later position reaches no earlier context where attention is causal, and every later "
    "one") {
  for (const Score score : scores) {
    Generate g("causal NaN", static_cast<Index>(score));
    const AttentionLayer layer = built({.units = score == Score::general ? 0 : 4,
                                        .reading = Reading::per_position,
                                        .score = score,
                                        .causal = true},
                                       6);
    const Array x = g.array(Shape{2, 5, 6}, {-2, 2});
    Array spoiled = x.clone();
    const Index sample = 1, position = 3, features = 6;
    spoiled.mutable_data()[(sample * 5 + position) * features + 2] = missing;
    const Array clean = layer(Tensor(x)).value(), context = layer(Tensor(spoiled)).value();
    CHECK(bits_differ(context.rows(0, 1), clean.rows(0, 1)) == "");
    for (Index t = 0; t < 5; ++t) {
      CAPTURE(t);
      const auto row = [&](const Array& array) {
        return array.reshaped(Shape{10, features}).rows(5 + t, 6 + t);
      };
      if (t < position)
        CHECK(bits_differ(row(context), row(clean)) == "");
      else
        CHECK(std::isnan(row(context).at(2)));
    }
  }
}
