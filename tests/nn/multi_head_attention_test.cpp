// MultiHeadAttention, Attention and AdditiveAttention: parameters, formulas, masks, dropout.
// tests/golden/attention_test.cpp has Keras' and PyTorch's numbers.
#include "fovea/nn/multi_head_attention.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

constexpr real missing = std::numeric_limits<real>::quiet_NaN();
constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 1e-5;

template <class M>
M built(M layer, const Shape& sample, std::uint64_t seed = 3) {
  layer.build(sample, Rng(seed));
  return layer;
}

template <class M>
std::vector<std::string> parameters(const M& layer) {
  std::vector<std::string> all;
  for (const NamedParameter& each : parameters_of(layer))
    all.push_back(each.path + " " + to_string(each.tensor.shape()));
  return all;
}

using Lines = std::vector<std::string>;

void check_close(const Array& ours, const Array& expected) {
  REQUIRE(ours.shape() == expected.shape());
  for (Index i = 0; i < ours.count(); ++i)
    CHECK(static_cast<double>(ours.at(i)) ==
          doctest::Approx(static_cast<double>(expected.at(i))).epsilon(t).scale(1));
}

double largest(const Tensor& x) { return static_cast<double>(max(abs(x)).item()); }

// One head of a layer by elementary ops, with scores scaled by `scale`.
Tensor head(const Tensor& q, const Tensor& k, const Tensor& v, Index index, Index shared,
            const MultiHeadAttention& m, Index value_dim) {
  const Index kv = index / shared, d = m.key_dim;
  const Tensor scores = matmul(slice(q, 2, index * d, index * d + d),
                               slice(k, 2, kv * d, kv * d + d), {.transpose_b = true}) *
                        (1 / std::sqrt(static_cast<real>(d)));
  return matmul(softmax(scores, -1), slice(v, 2, kv * value_dim, kv * value_dim + value_dim));
}

// x with a value at the positions that the mask drops.
Array planted(const Array& x, const Mask& mask, real value) {
  Array result = x.clone();
  const Index features = x.shape()[2];
  for (Index i = 0; i < x.count(); ++i)
    if (!mask.keep()[static_cast<std::size_t>(i / features)]) result.mutable_data()[i] = value;
  return result;
}

// The result at positions that the mask keeps, and the gradients of its squares by x and the
// parameters.
template <class M>
std::vector<Array> results(const M& layer, const Array& x, const Mask& mask,
                           const Context& context = {}) {
  const Tensor input = Tensor::parameter(x);
  zero_grad(layer);
  const Tensor y =
      where(mask.reshaped(mask.shape().inserted(2, 1)), layer(input, mask, context), scalar(0));
  sum(y * y).backward();
  std::vector<Array> all = {y.value(), input.grad()};
  for (const NamedParameter& each : parameters_of(layer)) all.push_back(each.tensor.grad());
  return all;
}

void check_same(const std::vector<Array>& a, const std::vector<Array>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(bits_differ(a[i], b[i]) == "");
  }
}

// Calls `check` with a layer of each type for 6 features.
void for_each_layer(const auto& check) {
  check(built(MultiHeadAttention{.num_heads = 4, .key_dim = 3, .num_key_value_heads = 2},
              Shape{5, 6}));
  check(built(MultiHeadAttention{.num_heads = 2, .key_dim = 3, .causal = true, .window = 2},
              Shape{5, 6}));
  check(built(Attention{.use_scale = true}, Shape{5, 6}));
  check(built(Attention{.score_mode = ScoreMode::concat, .causal = true}, Shape{5, 6}));
  check(built(AdditiveAttention{}, Shape{5, 6}));
}

}  // namespace

TEST_CASE("the parameters of attention are Keras', by name, shape and initial limit") {
  CHECK(parameters(built(MultiHeadAttention{.num_heads = 4, .key_dim = 8}, Shape{5, 12})) ==
        Lines{"query/kernel (12, 32)", "query/bias (32,)", "key/kernel (12, 32)", "key/bias (32,)",
              "value/kernel (12, 32)", "value/bias (32,)", "attention_output/kernel (32, 12)",
              "attention_output/bias (12,)"});
  const MultiHeadAttention m = built(MultiHeadAttention{.num_heads = 6,
                                                        .key_dim = 50,
                                                        .value_dim = 40,
                                                        .use_bias = false,
                                                        .num_key_value_heads = 2,
                                                        .output_dim = 90,
                                                        .value_features = 110,
                                                        .key_features = 70},
                                     Shape{5, 120});
  CHECK(parameters(m) == Lines{"query/kernel (120, 300)", "key/kernel (70, 100)",
                               "value/kernel (110, 80)", "attention_output/kernel (240, 90)"});
  const auto limit = [](double inputs, double outputs) {
    return std::sqrt(6 / (inputs + outputs));
  };
  CHECK(largest(m.query.kernel) == doctest::Approx(limit(120, 300)).epsilon(0.01));
  CHECK(largest(m.attention_output.kernel) == doctest::Approx(limit(240, 90)).epsilon(0.01));
  CHECK(parameters(built(Attention{}, Shape{5, 6})).empty());
  const Attention both =
      built(Attention{.use_scale = true, .score_mode = ScoreMode::concat}, Shape{5, 6});
  CHECK(parameters(both) == Lines{"scale ()", "concat_score_weight ()"});
  CHECK(both.scale.item() == 1);
  CHECK(both.concat_score_weight.item() == 1);
  CHECK(parameters(built(AdditiveAttention{.use_scale = false}, Shape{5, 6})).empty());
  const AdditiveAttention additive = built(AdditiveAttention{}, Shape{5, 600});
  CHECK(parameters(additive) == Lines{"scale (600,)"});
  CHECK(largest(additive.scale) == doctest::Approx(std::sqrt(3.0 / 600)).epsilon(0.02));
}

TEST_CASE("MultiHeadAttention is softmax(q k^T / sqrt(key_dim)) v of each head, projected") {
  for (Index trial = 0; trial < 8; ++trial) {
    Generate g("heads", trial);
    CAPTURE(trial);
    const Index shared = g.integer(1, 3), heads = shared * g.integer(1, 2),
                value_dim = g.integer(1, 4);
    MultiHeadAttention m{.num_heads = heads,
                         .key_dim = g.integer(1, 5),
                         .value_dim = value_dim,
                         .num_key_value_heads = heads / shared,
                         .output_dim = g.integer(1, 4),
                         .value_features = 7};
    m.build(Shape{4, 6}, Rng(5));
    for_each_parameter(m, [&](const ParameterPath&, Tensor& tensor) {
      tensor = Tensor(g.array(tensor.shape(), {-1, 1}));
    });
    const Tensor x(g.array(Shape{2, 4, 6}, {-1, 1})), memory(g.array(Shape{2, 5, 7}, {-1, 1}));
    std::vector<Tensor> parts;
    for (Index i = 0; i < heads; ++i)
      parts.push_back(head(m.query(x), m.key(memory), m.value(memory), i, shared, m, value_dim));
    check_close(m.attend(x, {.value = memory}).context.value(),
                m.attention_output(concat(parts, -1)).value());
  }
}

TEST_CASE("one input is query, key and value, and its mask that of all three") {
  for_each_layer([](const auto& layer) {
    Generate g("one input", 0);
    const Tensor x(g.array(Shape{2, 5, 6}, {-1, 1}));
    const Mask mask(Shape{2, 5}, {1, 1, 1, 0, 0, 1, 1, 1, 1, 0});
    CHECK(bits_differ(layer(x).value(), layer.attend(x, {.value = x, .key = x}).context.value()) ==
          "");
    const Attended attended =
        layer.attend(x, {.mask = {.keep = mask, .queries = mask}, .weights = true});
    CHECK(bits_differ(layer(x, mask).value(), attended.context.value()) == "");
    for (Index i = 0; i < attended.weights().shape().count(); ++i) {
      const Index position = i % 5, query = i / 5 % 5,
                  sample = i * 2 / attended.weights().shape().count();
      if (!mask.data()[sample * 5 + position] || !mask.data()[sample * 5 + query])
        CHECK(attended.weights().value().at(i) == 0);
    }
  });
}

TEST_CASE("NaN at masked positions reaches no result and no gradient of any layer") {
  for (Index trial = 0; trial < 24; ++trial)
    for_each_layer([trial](const auto& layer) {
      Generate g("NaN under a mask", trial);
      CAPTURE(trial);
      const Mask mask = g.mask(Shape{2, 5}, 0.6);
      const Array x = planted(g.array(Shape{2, 5, 6}, {-1, 1}), mask, 0);
      const std::vector<Array> clean = results(layer, x, mask);
      for (const real value : {missing, std::numeric_limits<real>::infinity()})
        check_same(results(layer, planted(x, mask, value), mask), clean);
    });
}

TEST_CASE("NaN at positions that a mask of pairs hides from all reaches no gradient of a kernel") {
  Generate g("NaN under pairs", 0);
  const MultiHeadAttention layer =
      built(MultiHeadAttention{.num_heads = 2, .key_dim = 3, .value_features = 4}, Shape{3, 6});
  const Mask seen(Shape{1, 4}, {1, 0, 1, 1}), asking(Shape{1, 3}, {1, 0, 1});
  Mask pairs(Shape{1, 1, 3, 4});
  for (Index i = 0; i < 12; ++i)
    pairs.mutable_keep()[static_cast<std::size_t>(i)] = asking.data()[i / 4] && seen.data()[i % 4];
  const Array x = planted(g.array(Shape{1, 3, 6}, {-1, 1}), asking, 0),
              memory = planted(g.array(Shape{1, 4, 4}, {-1, 1}), seen, 0);
  const auto gradients = [&](const Array& query, const Array& value) {
    zero_grad(layer);
    const Tensor y =
        layer.attend(Tensor(query), {.value = Tensor(value), .mask = {.pairs = pairs}}).context;
    sum(y * y).backward();
    std::vector<Array> all = {y.value()};
    for (const NamedParameter& each : parameters_of(layer)) all.push_back(each.tensor.grad());
    return all;
  };
  check_same(gradients(planted(x, asking, missing), planted(memory, seen, missing)),
             gradients(x, memory));
}

TEST_CASE("a query that looks at nothing has weights 0, and the bias as its result") {
  MultiHeadAttention layer = built(MultiHeadAttention{.num_heads = 2, .key_dim = 3}, Shape{3, 4});
  layer.attention_output.bias = Tensor(Generate("bias", 0).array(Shape{4}, {1, 2}));
  const Tensor x(Generate("nothing", 0).array(Shape{1, 3, 4}, {-1, 1}));
  const Attended attended =
      layer.attend(x, {.mask = {.queries = Mask(Shape{1, 3}, {1, 0, 1})}, .weights = true});
  CHECK(bits_differ(slice(attended.context, 1, 1, 2).value().reshaped(Shape{4}),
                    layer.attention_output.bias.value()) == "");
  CHECK(largest(slice(attended.weights(), 2, 1, 2)) == 0);
  CHECK(largest(slice(built(Attention{}, Shape{3, 4})
                          .attend(x, {.mask = {.queries = Mask(Shape{1, 3}, {1, 0, 1})}})
                          .context,
                      1, 1, 2)) == 0);
}

TEST_CASE("conditions of the layer and of the call hold together") {
  const MultiHeadAttention layer = built(
      MultiHeadAttention{.num_heads = 1, .key_dim = 3, .causal = true, .window = 3}, Shape{6, 4});
  const Tensor x(Generate("conditions", 0).array(Shape{1, 6, 4}, {-1, 1}));
  const auto looks = [&](const AttentionMask& mask, Index query, Index position) {
    const Array weights = layer.attend(x, {.mask = mask, .weights = true}).weights().value();
    return weights.at(query * 6 + position) > 0;
  };
  CHECK(looks({}, 4, 2));
  CHECK(!looks({}, 4, 1));
  CHECK(!looks({}, 2, 3));
  CHECK(!looks({.window = 2}, 4, 2));
  CHECK(looks({.window = 5}, 4, 2));
  CHECK(!looks({.window = 5}, 4, 1));
  CHECK(!looks({.keep = Mask(Shape{1, 6}, {1, 1, 0, 1, 1, 1})}, 4, 2));
}

TEST_CASE("queries that follow a cache of keys see what they would see in the whole sequence") {
  const MultiHeadAttention layer = built(
      MultiHeadAttention{.num_heads = 2, .key_dim = 3, .causal = true, .window = 4}, Shape{9, 6});
  const Tensor x(Generate("cache", 0).array(Shape{2, 9, 6}, {-1, 1}));
  const Array whole = layer(x).value();
  for (const Index first : {8, 5, 0}) {
    CAPTURE(first);
    const Tensor late =
        layer.attend(slice(x, 1, first, 9), {.value = x, .mask = {.align = Alignment::last}})
            .context;
    check_close(late.value(), slice(Tensor(whole), 1, first, 9).value());
  }
}

TEST_CASE("sequences of length 0 and 1, and values of batch 0, are results of their shape") {
  for_each_layer([](const auto& layer) {
    CHECK(layer(Tensor(Array::zeros(Shape{2, 0, 6}))).shape() == Shape{2, 0, 6});
    CHECK(layer(Tensor(Array::zeros(Shape{0, 3, 6}))).shape() == Shape{0, 3, 6});
    const Tensor x(Generate("one position", 0).array(Shape{2, 1, 6}, {-1, 1}));
    const Attended one = layer.attend(x, {.weights = true});
    for (const real weight : one.weights().value().values()) CHECK(weight == 1);
    const Tensor nothing(Array::zeros(Shape{2, 0, 6}));
    CHECK(largest(layer.attend(x, {.value = nothing}).context -
                  layer.attend(x, {.mask = {.queries = Mask(Shape{2, 1}, {0, 0})}}).context) == 0);
  });
}

TEST_CASE("the soft cap and the bias act on scores") {
  Generate g("cap", 0);
  const MultiHeadAttention plain =
      built(MultiHeadAttention{.num_heads = 1, .key_dim = 2}, Shape{3, 4});
  MultiHeadAttention capped = plain;
  capped.soft_cap = real(0.5);
  const Tensor x(g.array(Shape{2, 3, 4}, {-3, 3})), bias(g.array(Shape{1, 1, 3, 3}, {-1, 1}));
  const Tensor scores =
      matmul(plain.query(x), plain.key(x), {.transpose_b = true}) * (1 / std::sqrt(real(2)));
  const Tensor expected = softmax(reshape(tanh(scores * 2) * real(0.5), {2, 1, 3, 3}) + bias, -1);
  check_close(capped.attend(x, {.bias = bias, .weights = true}).weights().value(),
              expected.value());
}

TEST_CASE("dropout of weights acts while training only, and by the place in the batch") {
  const auto training = [](Index first_sample, std::uint64_t step) {
    return Context{.training = true,
                   .seed = 11,
                   .step = step,
                   .first_sample = first_sample,
                   .path = "model/attention"};
  };
  const auto check = [&](auto layer) {
    layer.dropout = real(0.4);
    layer = built(layer, Shape{5, 6});
    const Array x = Generate("dropped", 0).array(Shape{4, 5, 6}, {-1, 1});
    auto without = layer;
    without.dropout = 0;
    CHECK(bits_differ(layer(x).value(), without(x).value()) == "");
    CHECK_THROWS_AS(layer(x, Context{.training = true}), StateError);
    const Array whole = layer(x, training(0, 3)).value();
    CHECK(bits_differ(whole, layer(x).value()) != "");
    CHECK(bits_differ(whole, layer(x, training(0, 4)).value()) != "");
    CHECK(bits_differ(whole.rows(3, 4), layer(x.rows(3, 4), training(3, 3)).value()) == "");
  };
  check(MultiHeadAttention{.num_heads = 2, .key_dim = 3});
  check(Attention{});
  check(AdditiveAttention{});
}

TEST_CASE("results and gradients of attention are the same bits on 1, 2, 3 and 8 threads") {
  const Index before = threads();
  for_each_layer([](const auto& layer) {
    Generate g("threads of attention", 0);
    const Array x = g.array(Shape{3, 70, 6}, {-1, 1});
    const Mask mask = g.mask(Shape{3, 70}, 0.8);
    set_threads(1);
    const std::vector<Array> expected = results(layer, x, mask);
    for (const Index count : {2, 3, 8}) {
      CAPTURE(count);
      set_threads(count);
      check_same(results(layer, x, mask), expected);
    }
  });
  set_threads(before);
}
