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

// A call of some reading, with a mask of some conditions: those that order positions only where
// queries stand among them.
struct Masked {
  AttentionLayer layer;
  Index batch, queries, time;
  AttentionLayer::Options options;
};

Masked draw_masked(Generate& g, Reading reading, Score score, bool learned) {
  const bool one = reading == Reading::pool || learned;
  Masked call{built({.units = score == Score::general ? 0 : 4,
                     .reading = reading,
                     .score = score,
                     .learned_query = learned},
                    6),
              g.integer(1, 3),
              1,
              g.integer(1, 7),
              {}};
  if (!one) call.queries = reading == Reading::query ? g.integer(1, 5) : call.time;
  if (reading == Reading::query && !learned)
    call.options.query = Tensor(g.array(Shape{call.batch, call.queries, 6}, {-2, 2}));
  AttentionMask& mask = call.options.mask;
  if (g.chance(0.4)) mask.keep = g.mask(Shape{call.batch, call.time}, 0.7);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{call.batch, call.queries}, 0.7);
  mask.pairs = g.mask(Shape{g.chance(0.5) ? call.batch : 1, 1, call.queries, call.time}, 0.5);
  if (one) return call;
  mask.causal = g.chance(0.3);
  if (g.chance(0.3)) mask.window = g.integer(1, 4);
  if (g.chance(0.3)) mask.global = g.mask(Shape{call.batch, call.time}, 0.3);
  if (g.chance(0.3)) mask.align = Alignment::last;
  if (g.chance(0.3)) {
    const auto blocks = [](Index count) { return (count + 1) / 2; };
    mask.blocks = BlockTable{2, g.mask(Shape{blocks(call.queries), blocks(call.time)}, 0.6)};
  }
  return call;
}

struct Kind {
  Reading reading;
  Score score;
  bool learned = false;
};

std::vector<Kind> kinds() {
  std::vector<Kind> all = {{Reading::pool, Score::additive}};
  for (const Score score : {Score::additive, Score::dot, Score::scaled_dot, Score::general}) {
    all.push_back({Reading::per_position, score});
    all.push_back({Reading::query, score});
    all.push_back({Reading::query, score, true});
  }
  return all;
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
    const std::vector<Array> clean = results(layer, x, {.mask = {.keep = mask}}, counted);
    for (const real value : {missing, infinity, -infinity})
      check_same(results(layer, with(x, mask, value), {.mask = {.keep = mask}}, counted), clean);
  }
}

TEST_CASE("NaN in a query that the mask leaves out reaches no other context and no gradient") {
  for (const Score score : scores) {
    Generate g("masked query", static_cast<Index>(score));
    const AttentionLayer layer = built(
        {.units = score == Score::general ? 0 : 4, .reading = Reading::query, .score = score}, 6);
    const Array x = g.array(Shape{2, 5, 6}, {-2, 2});
    const Mask asked(Shape{2, 3}, {1, 0, 1, 0, 0, 1});
    const Array query = with(g.array(Shape{2, 3, 6}, {-2, 2}), asked, 0);
    const auto with_query = [&](const Array& q) {
      return results(layer, x, {.query = Tensor(q), .mask = {.queries = asked}}, std::nullopt);
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

TEST_CASE("weights under any mask are those without it where it keeps, made to sum to 1") {
  for (const Kind& kind : kinds())
    for (Index trial = 0; trial < 10; ++trial) {
      Generate g("any mask", trial);
      Masked call = draw_masked(g, kind.reading, kind.score, kind.learned);
      CAPTURE(static_cast<int>(kind.reading));
      CAPTURE(static_cast<int>(kind.score));
      CAPTURE(trial);
      const Array x = g.array(Shape{call.batch, call.time, 6}, {-2, 2});
      if (g.chance(0.5))
        call.options.bias = Tensor(g.array(Shape{1, 1, call.queries, call.time}, {-1, 1}));
      call.options.weights = true;
      const Attended masked = call.layer.attend(x, call.options);
      AttentionLayer::Options whole = call.options;
      whole.mask = {};
      const Shape three{call.batch, call.queries, call.time};
      const Tensor all = reshape(call.layer.attend(x, whole).weights(),
                                 {call.batch, call.queries, call.time}),
                   kept = where(call.options.mask.dense(three), all, scalar(0));
      const Array expected = (kept / (sum(kept, -1, true) + scalar(real(1e-30)))).value(),
                  weights = masked.weights().value().reshaped(three);
      for (Index i = 0; i < weights.count(); ++i)
        CHECK(static_cast<double>(weights.at(i)) ==
              doctest::Approx(static_cast<double>(expected.at(i))).epsilon(1e-4));
      const Array context = matmul(Tensor(weights), Tensor(x)).value();
      for (Index i = 0; i < context.count(); ++i)
        CHECK(static_cast<double>(masked.context.value().at(i)) ==
              doctest::Approx(static_cast<double>(context.at(i))).epsilon(1e-4));
    }
}

TEST_CASE("NaN where no query looks, by any mask, reaches no context and no gradient") {
  Index spoiled = 0;
  for (const Kind& kind : kinds())
    for (Index trial = 0; trial < 20; ++trial) {
      Generate g("any mask, NaN", trial);
      const Masked call = draw_masked(g, kind.reading, kind.score, kind.learned);
      CAPTURE(static_cast<int>(kind.reading));
      CAPTURE(static_cast<int>(kind.score));
      CAPTURE(trial);
      const Mask pairs = call.options.mask.dense(Shape{call.batch, call.queries, call.time});
      Mask seen(Shape{call.batch, call.time});
      // A position of self-attention is a query as well.
      const bool self = kind.reading == Reading::per_position;
      for (Index b = 0; b < call.batch; ++b)
        for (Index j = 0; j < call.time; ++j) {
          std::uint8_t& any = seen.mutable_keep()[static_cast<std::size_t>(b * call.time + j)];
          any = 0;
          for (Index i = 0; i < call.queries; ++i)
            any |= pairs.data()[(b * call.queries + i) * call.time + j];
          for (Index k = 0; self && k < call.time; ++k)
            any |= pairs.data()[(b * call.queries + j) * call.time + k];
        }
      spoiled += seen.count() - seen.kept();
      const Array x = with(g.array(Shape{call.batch, call.time, 6}, {-2, 2}), seen, 0);
      check_same(results(call.layer, with(x, seen, missing), call.options, std::nullopt),
                 results(call.layer, x, call.options, std::nullopt));
    }
  CHECK(spoiled > 50);
}
