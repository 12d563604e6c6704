// Attention weights that the context asks for: by layer, head and query.
#include <doctest/doctest.h>

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

}  // namespace

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

TEST_CASE("layers without heads answer with theirs, and one query for a sequence as it is") {
  const Tensor x(Generate("asked", 1).array(Shape{2, 5, 6}, {-1, 1}));
  AttentionLayer each{.units = 3, .reading = Reading::per_position}, pool{3},
      learned{.units = 3, .reading = Reading::query, .learned_query = true};
  for (AttentionLayer* layer : {&each, &pool, &learned}) layer->build(Shape{5, 6}, Rng(1));
  const AttentionRequest request{.heads = {1}, .first_query = 2, .end_query = 4};
  const auto with = [&](const AttentionLayer& layer) {
    return layer.attend(x, {.weights = true}).weights().value();
  };
  const auto answer = [&](const AttentionLayer& layer) {
    AttentionWeights weights;
    weights.request = request;
    layer(x, Context{.path = "a", .weights = &weights});
    return weights["a"];
  };
  CHECK(bits_differ(answer(each), slice(Tensor(with(each)), 1, 2, 4).value()) == "");
  CHECK(bits_differ(answer(pool), with(pool)) == "");
  CHECK(bits_differ(answer(learned), with(learned)) == "");
}

TEST_CASE("asking for weights changes no bit of a result or a gradient") {
  const MultiHeadAttention layer = heads();
  const Array x = Generate("asked", 2).array(Shape{2, 7, 6}, {-1, 1});
  const auto run = [&](AttentionWeights* weights, bool recorded) {
    zero_grad(layer);
    const Tensor input = Tensor::parameter(x);
    const Tensor y =
        layer.attend(input, {.weights = recorded}, Context{.path = "a", .weights = weights})
            .context;
    sum(y * y).backward();
    std::vector<Array> all = {y.value(), input.grad()};
    for (const NamedParameter& each : parameters_of(layer)) all.push_back(each.tensor.grad());
    return all;
  };
  const std::vector<Array> plain = run(nullptr, false);
  AttentionWeights weights;
  for (const auto& other : {run(&weights, false), run(nullptr, true)})
    for (std::size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      CHECK(bits_differ(other[i], plain[i]) == "");
    }
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
}
