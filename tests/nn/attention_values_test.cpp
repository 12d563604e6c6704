// What attention computes, by properties and by its formula in plain loops.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/nn/attention_layer.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

constexpr real eps = std::numeric_limits<real>::epsilon();

AttentionLayer built(AttentionLayer layer, Index features) {
  layer.build(Shape{1, features}, Rng(7));
  Generate generate("biases", 0);
  for (Tensor* bias : {&layer.W1.bias, &layer.W2.bias, &layer.V.bias})
    if (bias->defined()) bias->assign(generate.array(bias->shape(), {-1, 1}));
  return layer;
}

bool close(const Array& a, const Array& b, real t) {
  if (a.shape() != b.shape()) return false;
  for (Index i = 0; i < a.count(); ++i)
    if (!(std::abs(a.data()[i] - b.data()[i]) <= t * (1 + std::abs(b.data()[i])))) return false;
  return true;
}

// x W + b, unit by unit; without a bias where there is none.
std::vector<long double> projected(const real* x, const Tensor& weight, const Tensor& bias) {
  const Index features = weight.shape()[0], units = weight.shape()[1];
  std::vector<long double> result;
  for (Index u = 0; u < units; ++u) {
    result.push_back(bias.defined() ? bias.value().at(u) : 0);
    for (Index f = 0; f < features; ++f)
      result.back() += static_cast<long double>(x[f]) * weight.value().at(f * units + u);
  }
  return result;
}

// As enum class Score says it.
long double score(const AttentionLayer& layer, const real* x, const real* q) {
  const std::vector<long double> k = projected(x, layer.W1.kernel, layer.W1.bias);
  long double e = 0;
  if (layer.score == Score::general) {
    for (std::size_t f = 0; f < k.size(); ++f) e += k[f] * q[f];
    return e;
  }
  const std::vector<long double> p = projected(q, layer.W2.kernel, layer.W2.bias);
  for (std::size_t u = 0; u < k.size(); ++u)
    e += layer.score == Score::additive
             ? layer.V.kernel.value().at(static_cast<Index>(u)) * std::tanh(k[u] + p[u])
             : k[u] * p[u];
  return layer.score == Score::scaled_dot ? e / std::sqrt(static_cast<long double>(layer.units))
                                          : e;
}

}  // namespace

TEST_CASE("attention is its formula in plain loops, in every reading and score") {
  struct Kind {
    Reading reading;
    Score score;
  };
  std::vector<Kind> kinds = {{Reading::pool, Score::additive}};
  for (const Reading reading : {Reading::per_position, Reading::query})
    for (const Score score : {Score::additive, Score::dot, Score::scaled_dot, Score::general})
      kinds.push_back({reading, score});
  for (Index trial = 0; trial < 4; ++trial)
    for (const Kind& each : kinds) {
      const Reading reading = each.reading;
      const Score kind = each.score;
      Generate g("formula", trial);
      const Index batch = g.integer(1, 4), time = g.integer(1, 9), features = g.integer(1, 7),
                  units = g.integer(1, 6);
      const Index queries = reading == Reading::pool           ? 1
                            : reading == Reading::per_position ? time
                                                               : g.integer(1, 5);
      CAPTURE(trial);
      CAPTURE(static_cast<int>(reading));
      CAPTURE(static_cast<int>(kind));
      const AttentionLayer layer = built(
          AttentionLayer{
              .units = kind == Score::general ? 0 : units, .reading = reading, .score = kind},
          features);
      const Array x = g.array(Shape{batch, time, features}, {-1, 1}),
                  asked = g.array(Shape{batch, queries, features}, {-1, 1});
      const Attended attention = reading == Reading::query
                                     ? layer.attend(x, {.query = asked, .weights = true})
                                     : layer.attend(x, {.weights = true});
      const auto check = [](real got, long double expected) {
        CHECK(std::abs(static_cast<long double>(got) - expected) <=
              64 * static_cast<long double>(eps));
      };
      for (Index b = 0; b < batch; ++b)
        for (Index j = 0; j < queries; ++j) {
          std::vector<long double> e;
          long double total = 0;
          for (Index i = 0; i < time; ++i) {
            const real* const xi = x.data() + (b * time + i) * features;
            e.push_back(std::exp(
                score(layer, xi,
                      reading == Reading::pool
                          ? xi
                          : (reading == Reading::query ? asked.data() + (b * queries + j) * features
                                                       : x.data() + (b * time + j) * features))));
            total += e.back();
          }
          for (Index i = 0; i < time; ++i)
            check(attention.weights().value().at((b * queries + j) * time + i),
                  e[static_cast<std::size_t>(i)] / total);
          for (Index f = 0; f < features; ++f) {
            long double context = 0;
            for (Index i = 0; i < time; ++i)
              context +=
                  e[static_cast<std::size_t>(i)] / total * x.at((b * time + i) * features + f);
            check(attention.context.value().at((b * queries + j) * features + f), context);
          }
        }
    }
}

TEST_CASE(
    "weights sum to one, one position has all of it, and equal positions come back as they are") {
  Generate g("sums", 0);
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    const AttentionLayer layer = built(AttentionLayer{.units = 4, .reading = reading}, 6);
    CHECK(
        close(sum(layer.attend(g.array(Shape{3, 11, 6}, {-3, 3}), {.weights = true}).weights(), -1)
                  .value(),
              Array::full(reading == Reading::pool ? Shape{3} : Shape{3, 11}, 1), 8 * eps));
    const Array one = g.array(Shape{3, 1, 6}, {-3, 3});
    const Attended alone = layer.attend(one, {.weights = true});
    CHECK(bits_differ(alone.weights().value(), Array::full(alone.weights().shape(), 1)) == "");
    CHECK(bits_differ(alone.context.value().reshaped(one.shape()), one) == "");
    const Array row = g.array(Shape{1, 1, 6}, {-3, 3});
    const Tensor same = Tensor(row) + Tensor(Array::zeros(Shape{2, 5, 1}));
    const Tensor context = layer(same);
    CHECK(close(context.value(),
                (Tensor(row.reshaped(Shape{6})) + Tensor(Array::zeros(context.shape()))).value(),
                8 * eps));
  }
}

TEST_CASE("permuting time permutes the weights and leaves the pooled context") {
  Generate g("permute", 0);
  const AttentionLayer layer = built(AttentionLayer{5}, 6);
  const Tensor x(g.array(Shape{2, 4, 6}, {-2, 2}));
  const auto permuted = [](const Tensor& t) {
    return concat({slice(t, 1, 2, 3), slice(t, 1, 0, 1), slice(t, 1, 3, 4), slice(t, 1, 1, 2)}, 1);
  };
  const Attended before = layer.attend(x, {.weights = true}),
                 after = layer.attend(permuted(x), {.weights = true});
  CHECK(close(after.weights().value(), permuted(before.weights()).value(), 8 * eps));
  CHECK(close(after.context.value(), before.context.value(), 8 * eps));
}

TEST_CASE("with W1 and W2 zero every position counts alike, and the context is the mean") {
  Generate g("mean", 0);
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    AttentionLayer layer = built(AttentionLayer{.units = 4, .reading = reading}, 6);
    layer.W1.kernel.assign(Array::zeros(layer.W1.kernel.shape()));
    layer.W2.kernel.assign(Array::zeros(layer.W2.kernel.shape()));
    const Tensor x(g.array(Shape{2, 7, 6}, {-2, 2}));
    const Attended attention = layer.attend(x, {.weights = true});
    CHECK(close(attention.weights().value(), Array::full(attention.weights().shape(), real(1) / 7),
                4 * eps));
    const Tensor average =
        reading == Reading::pool ? mean(x, 1) : mean(x, 1, true) + Tensor(Array::zeros(x.shape()));
    CHECK(close(attention.context.value(), average.value(), 16 * eps));
  }
}

TEST_CASE(
    "masked positions weigh nothing, and padding changes neither weights nor context of what is "
    "kept") {
  Generate g("padding", 0);
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    const AttentionLayer layer = built(AttentionLayer{.units = 4, .reading = reading}, 6);
    const Tensor x(g.array(Shape{2, 5, 6}, {-2, 2})), padding(g.array(Shape{2, 3, 6}, {-9, 9}));
    const Mask keep(Shape{2, 8}, {1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0});
    const Attended bare = layer.attend(x, {.weights = true}),
                   padded = layer.attend(concat({x, padding}, 1),
                                         {.mask = {.keep = keep}, .weights = true});
    const int time = padded.weights().shape().rank() - 1;
    const Tensor kept = slice(padded.weights(), time, 0, 5),
                 dropped = slice(padded.weights(), time, 5, 8);
    CHECK(bits_differ(dropped.value(), Array::zeros(dropped.shape())) == "");
    const bool pool = reading == Reading::pool;
    CHECK(
        close(pool ? kept.value() : slice(kept, 1, 0, 5).value(), bare.weights().value(), 8 * eps));
    CHECK(close(pool ? padded.context.value() : slice(padded.context, 1, 0, 5).value(),
                bare.context.value(), 16 * eps));
  }
}

TEST_CASE(
    "a sample of nothing but padding has weights and context 0 and gradients 0, and disturbs no "
    "other") {
  Generate g("nothing kept", 0);
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    const AttentionLayer layer = built(AttentionLayer{.units = 4, .reading = reading}, 6);
    const Tensor x = Tensor::parameter(g.array(Shape{2, 5, 6}, {-2, 2}));
    const Attended attention = layer.attend(
        x, {.mask = {.keep = Mask(Shape{2, 5}, {0, 0, 0, 0, 0, 1, 1, 0, 1, 1})}, .weights = true});
    for (const Tensor& result : {attention.weights(), attention.context})
      CHECK(bits_differ(result.value().rows(0, 1), Array::zeros(result.shape().with(0, 1))) == "");
    sum(attention.context * attention.context).backward();
    CHECK(bits_differ(x.grad().rows(0, 1), Array::zeros(Shape{1, 5, 6})) == "");
    for (const NamedParameter& parameter : parameters_of(layer))
      for (const real number : parameter.tensor.grad().values()) CHECK(std::isfinite(number));
    CHECK(mean(Tensor(x.grad()) * Tensor(x.grad())).item() > 0);
  }
}

TEST_CASE(
    "c has a gradient of exactly 0; W1 and W2 have the same one bit for bit when pooling, and not "
    "per position") {
  Generate g("redundant", 0);
  const Array x = g.array(Shape{3, 9, 6}, {-2, 2});
  const Array weights = g.array(Shape{3, 9, 6}, {-1, 1});
  for (const bool pool : {true, false}) {
    const AttentionLayer layer = built(
        AttentionLayer{.units = 5, .reading = pool ? Reading::pool : Reading::per_position}, 6);
    const Tensor context = layer(x);
    sum(context * Tensor(pool ? weights.rows(0, 1).reshaped(Shape{9, 6}).rows(0, 3) : weights))
        .backward();
    CHECK(layer.V.bias.grad().at(0) == 0);
    CHECK((bits_differ(layer.W1.kernel.grad(), layer.W2.kernel.grad()) == "") == pool);
    CHECK((bits_differ(layer.W1.bias.grad(), layer.W2.bias.grad()) == "") == pool);
  }
}

TEST_CASE("c moves no output, whatever it is") {
  Generate g("c", 0);
  const AttentionLayer layer = built(AttentionLayer{5}, 6);
  const Array x = g.array(Shape{3, 9, 6}, {-2, 2});
  const Array before = layer(x).value();
  AttentionLayer other = layer;
  other.V.bias.assign(Array::full(Shape{1}, 100));
  CHECK(bits_differ(other(x).value(), before) == "");
}

TEST_CASE("causal positions look back only: what comes later changes nothing") {
  Generate g("causal", 0);
  for (const Score score : {Score::additive, Score::dot, Score::scaled_dot, Score::general}) {
    const AttentionLayer layer = built(AttentionLayer{.units = score == Score::general ? 0 : 4,
                                                      .reading = Reading::per_position,
                                                      .score = score,
                                                      .causal = true},
                                       6);
    const Tensor start(g.array(Shape{2, 3, 6}, {-2, 2}));
    const Attended a = layer.attend(concat({start, Tensor(g.array(Shape{2, 2, 6}, {-2, 2}))}, 1),
                                    {.weights = true}),
                   b = layer.attend(concat({start, Tensor(g.array(Shape{2, 2, 6}, {-2, 2}))}, 1));
    CHECK(bits_differ(slice(a.context, 1, 0, 3).value(), slice(b.context, 1, 0, 3).value()) == "");
    for (Index query = 0; query < 5; ++query)
      for (Index key = query + 1; key < 5; ++key)
        CHECK(a.weights().value().at(query * 5 + key) == 0);
  }
}

TEST_CASE("queries that are masked get weights and context 0, the others what they had") {
  Generate g("query mask", 0);
  const AttentionLayer layer = built(AttentionLayer{.units = 4, .reading = Reading::query}, 6);
  const Tensor x(g.array(Shape{1, 5, 6}, {-2, 2})), query(g.array(Shape{1, 3, 6}, {-2, 2}));
  const Attended all = layer.attend(x, {.query = query}),
                 some = layer.attend(x, {.query = query,
                                         .mask = {.queries = Mask(Shape{1, 3}, {1, 0, 1})},
                                         .weights = true});
  for (const Index kept : {0, 2})
    CHECK(bits_differ(slice(some.context, 1, kept, kept + 1).value(),
                      slice(all.context, 1, kept, kept + 1).value()) == "");
  CHECK(bits_differ(slice(some.context, 1, 1, 2).value(), Array::zeros(Shape{1, 1, 6})) == "");
  CHECK(bits_differ(slice(some.weights(), 1, 1, 2).value(), Array::zeros(Shape{1, 1, 5})) == "");
}

TEST_CASE("a learned query is the same as that query given to every sample") {
  Generate g("learned", 0);
  const AttentionLayer learned =
      built(AttentionLayer{.units = 4, .reading = Reading::query, .learned_query = true}, 6);
  const Tensor x(g.array(Shape{3, 5, 6}, {-2, 2}));
  const Tensor query = reshape(learned.query, {1, 1, 6}) + Tensor(Array::zeros(Shape{3, 1, 1}));
  CHECK(bits_differ(
            learned(x).value(),
            learned.attend(x, {.query = query.detach()}).context.value().reshaped(Shape{3, 6})) ==
        "");
}
