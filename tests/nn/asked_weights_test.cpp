// Attention weights that the context asks for: by layer, head and query.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/multi_head_attention.hpp"
#include "fovea/nn/residual.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/train/sequential.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;
using support::refusal;

namespace {

MultiHeadAttention heads() {
  MultiHeadAttention layer{.num_heads = 4, .key_dim = 3, .num_key_value_heads = 2, .causal = true};
  layer.build(Shape{7, 6}, Rng(3));
  return layer;
}

// What a call of a layer puts down.
Array asked(const auto& layer, const Tensor& x, const AttentionRequest& request,
            const AttendOptions& options = {}) {
  AttentionWeights weights;
  weights.request = request;
  layer.attend(x, options, Context{.path = "a", .weights = &weights});
  return weights["a"];
}

// Some heads and queries of (batch, heads, queries, time).
Array part(const Array& weights, const std::vector<Index>& which, Index first, Index end) {
  std::vector<Tensor> parts;
  for (const Index head : which)
    parts.push_back(slice(slice(Tensor(weights), 1, head, head + 1), 2, first, end));
  return concat(parts, 1).value();
}

// How a layer is called, and what its output is by its weights.
struct Looks {
  const char* name;
  std::function<Attended(const Tensor& x, const AttentionMask& mask, bool weights, const Context&)>
      attend;
  std::function<Tensor(const Tensor& weights, const Tensor& x)> output;
  std::vector<NamedParameter> parameters = {};
  Index heads = 0;
  bool one_query = false;
};

constexpr Index features = 6;

Looks attention_layer(const char* name, AttentionLayer layer) {
  layer.build(Shape{5, features}, Rng(3));
  Looks looks{name,
              [layer](const Tensor& x, const AttentionMask& mask, bool weights, const Context& c) {
                AttentionLayer::Options options{.mask = mask, .weights = weights};
                if (layer.reading == Reading::query && !layer.learned_query)
                  options.query = flip(x, 1);
                return layer.attend(x, options, c);
              },
              [](const Tensor& weights, const Tensor& x) {
                return weights.shape().rank() == 2 ? squeeze(matmul(expand_dims(weights, 1), x), 1)
                                                   : matmul(weights, x);
              },
              parameters_of(layer)};
  looks.one_query = layer.reading == Reading::pool || layer.learned_query;
  return looks;
}

template <class Layer>
Looks without_projections(const char* name, Layer layer) {
  layer.build(Shape{5, features}, Rng(3));
  return {name,
          [layer](const Tensor& x, const AttentionMask& mask, bool weights, const Context& c) {
            return layer.attend(x, {.mask = mask, .weights = weights}, c);
          },
          [](const Tensor& weights, const Tensor& x) { return matmul(weights, x); },
          parameters_of(layer)};
}

Looks multi_head(const char* name, MultiHeadAttention layer) {
  layer.build(Shape{5, features}, Rng(3));
  Looks looks = without_projections(name, layer);
  looks.output = [layer](const Tensor& weights, const Tensor& x) {
    const Index batch = x.shape()[0], time = x.shape()[1], heads = layer.num_heads,
                sharing = layer.num_key_value_heads > 0 ? layer.num_key_value_heads : heads;
    const Tensor values =
        permute_dims(reshape(layer.value(x), {batch, time, sharing, layer.key_dim}), {0, 2, 1, 3});
    const Tensor each = matmul(reshape(weights, {batch, sharing, heads / sharing, time, time}),
                               reshape(values, {batch, sharing, 1, time, layer.key_dim}));
    const Tensor contexts =
        permute_dims(reshape(each, {batch, heads, time, layer.key_dim}), {0, 2, 1, 3});
    return layer.attention_output(reshape(contexts, {batch, time, heads * layer.key_dim}));
  };
  looks.heads = layer.num_heads;
  return looks;
}

std::vector<Looks> all_layers() {
  std::vector<Looks> all = {
      attention_layer("pool", {3}),
      without_projections("Attention", Attention{.use_scale = true}),
      without_projections("Attention, concat", Attention{.score_mode = ScoreMode::concat}),
      without_projections("AdditiveAttention", AdditiveAttention{}),
      multi_head("MultiHeadAttention", {.num_heads = 4, .key_dim = 3}),
      multi_head("shared keys",
                 {.num_heads = 4, .key_dim = 3, .num_key_value_heads = 2, .soft_cap = 2})};
  for (const Score score : {Score::additive, Score::dot, Score::scaled_dot, Score::general}) {
    const Index units = score == Score::general ? 0 : 4;
    all.push_back(attention_layer(
        "per_position", {.units = units, .reading = Reading::per_position, .score = score}));
    all.push_back(
        attention_layer("query", {.units = units, .reading = Reading::query, .score = score}));
    all.push_back(attention_layer(
        "learned query",
        {.units = units, .reading = Reading::query, .score = score, .learned_query = true}));
  }
  return all;
}

AttentionMask draw_mask(Generate& g, const Looks& looks, Index batch, Index time) {
  AttentionMask mask;
  const Index queries = looks.one_query ? 1 : time;
  if (g.chance(0.5)) mask.keep = g.mask(Shape{batch, time}, 0.7);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{batch, queries}, 0.7);
  if (g.chance(0.3)) mask.pairs = g.mask(Shape{1, 1, queries, time}, 0.7);
  if (!looks.one_query && g.chance(0.3)) mask.causal = true;
  if (!looks.one_query && g.chance(0.3)) mask.window = g.integer(1, 3);
  return mask;
}

AttentionRequest draw_request(Generate& g, const Looks& looks, Index time) {
  AttentionRequest request;
  if (g.chance(0.5))
    for (Index count = g.integer(1, 3); count > 0; --count)
      request.heads.push_back(g.integer(0, std::max<Index>(0, looks.heads - 1)));
  if (looks.one_query || g.chance(0.3)) return request;
  request.first_query = g.integer(0, time);
  if (g.chance(0.7)) request.end_query = g.integer(request.first_query, time);
  return request;
}

// What a call gives: its output and the gradients of x and the parameters.
std::vector<Array> results(const Looks& looks, const Array& x, const AttentionMask& mask,
                           bool recorded, AttentionWeights* weights, bool training) {
  for (const NamedParameter& each : looks.parameters) Tensor(each.tensor).zero_grad();
  const Tensor input = Tensor::parameter(x);
  const Context context{
      .training = training, .seed = 1, .step = 2, .path = "a", .weights = weights};
  const Tensor y = looks.attend(input, mask, recorded, context).context;
  sum(y * y).backward();
  std::vector<Array> all = {y.value(), input.grad()};
  for (const NamedParameter& each : looks.parameters) all.push_back(each.tensor.grad());
  return all;
}

// The part of all weights that a request names.
Array named_part(const Array& weights, const AttentionRequest& request, const Looks& looks) {
  if (looks.one_query) return weights;
  const Index time = weights.shape()[-1], first = request.first_query,
              end = request.end_query.value_or(time);
  if (looks.heads == 0) return slice(Tensor(weights), 1, first, end).value();
  std::vector<Index> heads = request.heads;
  for (Index head = 0; request.heads.empty() && head < looks.heads; ++head) heads.push_back(head);
  return part(weights, heads, first, end);
}

}  // namespace

TEST_CASE(
    "every layer gives the queries and heads that are asked for, bit by bit, and asking changes no "
    "bit of a result or a gradient") {
  for (const Looks& looks : all_layers())
    for (Index trial = 0; trial < 12; ++trial) {
      CAPTURE(looks.name);
      CAPTURE(trial);
      Generate g(looks.name, trial);
      const Index batch = g.integer(1, 3), time = g.integer(1, 7);
      const Array x = g.array(Shape{batch, time, features}, {-1, 1});
      const AttentionMask mask = draw_mask(g, looks, batch, time);
      const Array all = looks.attend(x, mask, true, {}).weights().value();
      const std::vector<Array> plain = results(looks, x, mask, false, nullptr, false);
      for (const bool recorded : {false, true}) {
        AttentionWeights weights;
        weights.request = draw_request(g, looks, time);
        const std::vector<Array> asked = results(looks, x, mask, recorded, &weights, false);
        for (std::size_t i = 0; i < plain.size(); ++i) CHECK(bits_differ(asked[i], plain[i]) == "");
        CHECK(bits_differ(weights["a"], named_part(all, weights.request, looks)) == "");
      }
    }
}

TEST_CASE("rows of the weights sum to 1 or are 0, and weights times values are the output") {
  constexpr double epsilon = std::numeric_limits<real>::epsilon();
  for (const Looks& looks : all_layers())
    for (Index trial = 0; trial < 12; ++trial) {
      CAPTURE(looks.name);
      CAPTURE(trial);
      Generate g(looks.name, 100 + trial);
      const Index batch = g.integer(1, 3), time = g.integer(1, 7);
      const Tensor x(g.array(Shape{batch, time, features}, {-1, 1}));
      AttentionWeights weights;
      const Array output = looks
                               .attend(x, draw_mask(g, looks, batch, time), false,
                                       Context{.path = "a", .weights = &weights})
                               .context.value();
      const Array rows = sum(Tensor(weights["a"]), -1).value(),
                  expected = looks.output(weights["a"], x).value();
      for (const real total : rows.values())
        CHECK((total == 0 ||
               std::abs(static_cast<double>(total) - 1) <= static_cast<double>(time) * epsilon));
      REQUIRE(output.shape() == expected.shape());
      for (Index i = 0; i < output.count(); ++i)
        CHECK(std::abs(static_cast<double>(output.at(i) - expected.at(i))) <= 32 * epsilon);
    }
}

TEST_CASE("asking changes no bit of a training with dropout, whose weights are those before it") {
  AttentionLayer pool{.units = 4, .dropout = real(0.5)},
      each{.units = 4, .reading = Reading::per_position, .dropout = real(0.5)};
  for (const Looks& looks :
       {attention_layer("pool", pool), attention_layer("per_position", each),
        without_projections("Attention", Attention{.dropout = real(0.5)}),
        without_projections("AdditiveAttention", AdditiveAttention{.dropout = real(0.5)}),
        multi_head("MultiHeadAttention", {.num_heads = 2, .key_dim = 3, .dropout = real(0.5)})}) {
    CAPTURE(looks.name);
    const Array x = Generate("asked with dropout", 0).array(Shape{2, 5, features}, {-1, 1});
    const std::vector<Array> plain = results(looks, x, {}, false, nullptr, true);
    for (const bool recorded : {false, true})
      for (const std::optional<Index> end : {std::optional<Index>(), std::optional<Index>(1)}) {
        AttentionWeights weights;
        weights.request.end_query = end;
        const std::vector<Array> asked = results(looks, x, {}, recorded, &weights, true);
        for (std::size_t i = 0; i < plain.size(); ++i) CHECK(bits_differ(asked[i], plain[i]) == "");
        if (looks.one_query) continue;
        const Array all = looks.attend(x, {}, true, {}).weights().value();
        CHECK(bits_differ(weights["a"], named_part(all, weights.request, looks)) == "");
      }
  }
}

TEST_CASE("weights are those of the heads and queries that are asked for, bit by bit") {
  Generate g("asked", 0);
  const MultiHeadAttention layer = heads();
  const Tensor x(g.array(Shape{2, 7, 6}, {-1, 1}));
  const AttendOptions options{
      .mask = {.keep = g.mask(Shape{2, 7}, 0.7), .pairs = g.mask(Shape{1, 4, 7, 7}, 0.7)},
      .bias = Tensor(g.array(Shape{2, 4, 1, 7}, {-1, 1}))};
  AttendOptions with = options;
  with.weights = true;
  const Array all = layer.attend(x, with).weights().value();
  CHECK(bits_differ(asked(layer, x, {}, options), all) == "");
  CHECK(bits_differ(asked(layer, x, {.heads = {2, 0}}, options), part(all, {2, 0}, 0, 7)) == "");
  CHECK(bits_differ(asked(layer, x, {.first_query = 3}, options), part(all, {0, 1, 2, 3}, 3, 7)) ==
        "");
  CHECK(bits_differ(asked(layer, x, {.heads = {3}, .first_query = 1, .end_query = 4}, options),
                    part(all, {3}, 1, 4)) == "");
}

TEST_CASE("a model answers for the layers that are named, or for all inside a named module") {
  Sequential inner{MultiHeadAttention{.num_heads = 2, .key_dim = 3},
                   Residual{MultiHeadAttention{.num_heads = 2, .key_dim = 3}}};
  Sequential model{Embedding{9, 6, true}, named("deep", std::move(inner)), AttentionLayer{3},
                   Dense{2, Activation::softmax}};
  model.build(Shape{5});
  const Ids x(Shape{2, 5}, {1, 2, 3, 0, 0, 4, 5, 6, 7, 0});
  const auto paths = [&](const AttentionRequest& request) {
    std::string all;
    for (const auto& each : model.attention(x, request)) all += each.first + " ";
    return all;
  };
  const std::string first = "sequential/deep/multi_head_attention ",
                    second = "sequential/deep/residual/module ",
                    pool = "sequential/attention_layer ";
  CHECK(paths({}) == pool + first + second);
  CHECK(paths({.layers = {"sequential/deep"}}) == first + second);
  CHECK(paths({.layers = {"sequential/deep/residual", "sequential/attention_layer"}}) ==
        pool + second);
  const Array all = model.attention(x)["sequential/deep/multi_head_attention"];
  CHECK(all.shape() == Shape{2, 2, 5, 5});
  CHECK(bits_differ(model
                        .attention(x, {.layers = {"sequential/deep/multi_head_attention"},
                                       .heads = {1},
                                       .end_query = 2})
                        .begin()
                        ->second,
                    part(all, {1}, 0, 2)) == "");
  CHECK(refusal<IndexError>([&] { model.attention(x, {.layers = {"sequential/dee"}}); }) ==
        "sequential: attention: there is no attention layer at \"sequential/dee\"; paths are those "
        "of attention(x) without a request");
}

TEST_CASE("heads and queries that are not there are refused") {
  const MultiHeadAttention layer = heads();
  const Tensor x(Array::zeros(Shape{2, 7, 6}));
  CHECK(refusal<IndexError>([&] {
          asked(layer, x, {.heads = {0, 4}});
        }) == "MultiHeadAttention: head 4 is asked for, of 4; heads are counted from 0");
  for (const AttentionRequest& request :
       {AttentionRequest{.first_query = 8}, AttentionRequest{.end_query = 8},
        AttentionRequest{.first_query = -1}, AttentionRequest{.first_query = 3, .end_query = 2}})
    CHECK_THROWS_AS(asked(layer, x, request), IndexError);
  CHECK(refusal<IndexError>([&] { asked(layer, x, {.first_query = 5, .end_query = 9}); }) ==
        "MultiHeadAttention: queries 5 to 9 are asked for, of 7; give the AttentionRequest some "
        "that are there");
  CHECK(asked(layer, x, {.first_query = 2, .end_query = 2}).shape() == Shape{2, 4, 0, 7});
  // One query for a sequence has no axis, and is query 0.
  for (const Looks& looks : all_layers()) {
    if (!looks.one_query) continue;
    CAPTURE(looks.name);
    for (const AttentionRequest& request :
         {AttentionRequest{.first_query = 1}, AttentionRequest{.end_query = 2},
          AttentionRequest{.end_query = 0}, AttentionRequest{.first_query = 2, .end_query = 4}}) {
      AttentionWeights weights;
      weights.request = request;
      CHECK_THROWS_AS(looks.attend(x, {}, false, Context{.path = "a", .weights = &weights}),
                      IndexError);
      CHECK(weights.empty());
    }
  }
}
