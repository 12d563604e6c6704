// Drawn calls of attention, what they give, and the composition of elementary ops that says what
// they should give.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

namespace drawn {

using namespace fovea;
using support::Generate;

/// The sizes of a call, and how its heads lie.
struct Sizes {
  Index batch, heads, key_heads, queries, time, width, value_width;
  bool split;  ///< heads side by side in the last axis

  Shape scores() const { return {batch, heads, queries, time}; }
  Shape rows(Index of_heads, Index count, Index wide) const {
    return split ? Shape{batch, count, of_heads * wide} : Shape{batch, of_heads, count, wide};
  }
};

/// Sizes within a tile, or with `tiles` across its edges, at times with so many heads that a task
/// has several tiles of queries.
inline Sizes draw_sizes(Generate& g, bool tiles) {
  const Index key_heads = g.integer(1, 2);
  Sizes s{g.integer(1, 2),  key_heads * g.integer(1, 2),
          key_heads,        g.integer(0, 6),
          g.integer(0, 6),  g.integer(1, 20),
          g.integer(1, 20), g.chance(0.5)};
  if (tiles) {
    s.queries = g.integer(50, 150);
    s.time = g.integer(50, 150);
    if (g.chance(0.2)) s.batch = s.key_heads = 4, s.heads = 8;
  }
  return s;
}

inline AttentionMask draw_mask(Generate& g, const Sizes& s) {
  AttentionMask mask{.causal = g.chance(0.3)};
  if (g.chance(0.3)) mask.window = g.integer(1, s.time + 2);
  if (g.chance(0.3)) mask.keep = g.mask(Shape{s.batch, s.time}, 0.6);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{s.batch, s.queries}, 0.7);
  if (g.chance(0.3)) mask.align = Alignment::last;
  if (g.chance(0.3)) mask.global = g.mask(Shape{s.batch, s.time}, 0.1);
  if (g.chance(0.2)) {
    const Index size = g.integer(1, 20);
    const auto blocks = [&](Index n) { return (n + size - 1) / size; };
    mask.blocks = BlockTable{size, g.mask(Shape{blocks(s.queries), blocks(s.time)}, 0.6)};
  }
  if (g.chance(0.3)) {
    const auto either = [&](Index n) { return g.chance(0.5) ? Index(1) : n; };
    mask.pairs =
        g.mask(Shape{either(s.batch), either(s.heads), either(s.queries), either(s.time)}, 0.7);
  }
  return mask;
}

/// A call: its arrays, and its options without tensors.
struct Call {
  Sizes sizes;
  Array q, k, values;
  Array score_weights, bias;  ///< no elements where there are none
  Array dcontext, dweights;
  AttentionOptions options;
};

inline Call draw_call(Generate& g, Score score, bool tiles, double largest = 2) {
  const Sizes s = draw_sizes(g, tiles);
  Call call{s,
            g.array(s.rows(s.heads, s.queries, s.width), {-largest, largest}),
            g.array(s.rows(s.key_heads, s.time, s.width), {-largest, largest}),
            g.array(s.rows(s.key_heads, s.time, s.value_width), {-1, 1}),
            {},
            {},
            g.array(s.rows(s.heads, s.queries, s.value_width), {-1, 1}),
            g.array(s.scores(), {-1, 1}),
            {.score = score, .mask = draw_mask(g, s)}};
  if (score == Score::additive) call.score_weights = g.array(Shape{s.width}, {-1, 1});
  if (score == Score::general) call.score_weights = g.array(Shape{s.width, s.width}, {-1, 1});
  if (score != Score::additive && g.chance(0.3))
    call.options.scale = static_cast<real>(g.uniform(-0.5, 0.5));
  if (s.split) {
    call.options.num_heads = s.heads;
    call.options.num_key_value_heads = s.key_heads;
  }
  if (g.chance(0.3)) {
    const auto either = [&](Index n) { return g.chance(0.5) ? Index(1) : n; };
    call.bias = g.array(Shape{either(s.batch), either(s.heads), either(s.queries), either(s.time)},
                        {-1, 1});
  }
  if (g.chance(0.3)) call.options.soft_cap = static_cast<real>(g.uniform(0.5, 3));
  if (g.chance(0.3)) {
    call.options.dropout = static_cast<real>(0.3);
    call.options.random = Rng(g.bits());
    call.options.first_sample = g.integer(0, 3);
  }
  call.options.weights = g.chance(0.5);
  return call;
}

/// x (batch, heads, count, wide), whatever the form.
inline Tensor by_head(const Sizes& s, const Tensor& x, Index heads, Index count, Index wide) {
  return s.split ? permute_dims(reshape(x, {s.batch, count, heads, wide}), {0, 2, 1, 3}) : x;
}

/// The scores, (batch, heads, queries, time), by elementary ops.
inline Tensor composed_scores(const Sizes& s, const Tensor& q, const Tensor& k,
                              const AttentionOptions& options) {
  const Index shared = s.heads / s.key_heads;
  Tensor queries = reshape(by_head(s, q, s.heads, s.queries, s.width),
                           {s.batch, s.key_heads, shared, s.queries, s.width});
  const Tensor keys = reshape(by_head(s, k, s.key_heads, s.time, s.width),
                              {s.batch, s.key_heads, 1, s.time, s.width});
  if (options.score == Score::general) queries = matmul(queries, options.score_weights);
  Tensor e;
  if (options.score == Score::additive)
    e = matmul(tanh(reshape(queries, {s.batch, s.key_heads, shared, s.queries, 1, s.width}) +
                    reshape(keys, {s.batch, s.key_heads, 1, 1, s.time, s.width})),
               reshape(options.score_weights, {s.width, 1}));
  else
    e = matmul(queries, keys, {.transpose_b = true});
  e = reshape(e, {s.batch, s.heads, s.queries, s.time});
  if (options.scale)
    e = e * *options.scale;
  else if (options.score == Score::scaled_dot)
    e = e * (1 / std::sqrt(static_cast<real>(s.width)));
  if (options.soft_cap > 0) e = tanh(e * (1 / options.soft_cap)) * options.soft_cap;
  return options.bias.defined() ? e + options.bias : e;
}

/// The elementary ops.
inline Attended composed(const Sizes& s, const Tensor& q, const Tensor& k, const Tensor& values,
                         const AttentionOptions& options) {
  const Tensor weights = attention_weights(composed_scores(s, q, k, options), options.mask);
  Tensor used = weights;
  if (options.dropout > 0)
    used = dropout(weights, options.dropout, *options.random,
                   options.first_sample * s.heads * s.queries * s.time);
  Tensor context =
      matmul(reshape(used, {s.batch, s.key_heads, s.heads / s.key_heads, s.queries, s.time}),
             reshape(by_head(s, values, s.key_heads, s.time, s.value_width),
                     {s.batch, s.key_heads, 1, s.time, s.value_width}));
  context = reshape(context, {s.batch, s.heads, s.queries, s.value_width});
  if (s.split)
    context =
        reshape(permute_dims(context, {0, 2, 1, 3}), {s.batch, s.queries, s.heads * s.value_width});
  return {context, weights};
}

/// What a call gives: context, weights, and the gradients of q, k, values, and where there are
/// some, of the score weights and the bias.
using Results = std::vector<Array>;

template <class Attention>
Results results(const Call& call, const Attention& attention) {
  const Tensor q = Tensor::parameter(call.q), k = Tensor::parameter(call.k),
               values = Tensor::parameter(call.values);
  AttentionOptions options = call.options;
  if (call.score_weights.count() > 0) options.score_weights = Tensor::parameter(call.score_weights);
  if (call.bias.count() > 0) options.bias = Tensor::parameter(call.bias);
  const Attended attended = attention(q, k, values, options);
  Tensor loss = sum(attended.context * Tensor(call.dcontext));
  if (options.weights) loss = loss + sum(attended.weights() * Tensor(call.dweights));
  loss.backward();
  Results all{attended.context.value(), options.weights ? attended.weights().value() : Array()};
  for (const Tensor& x : {q, k, values, options.score_weights, options.bias})
    if (x.defined()) all.push_back(x.grad());
  return all;
}

inline Results fused(const Call& call) {
  return results(call, [](const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionOptions& options) { return attention(q, k, v, options); });
}

/// The largest difference, as a part of the largest number or of 1.
inline double distance(const Array& a, const Array& b) {
  double most = 0, largest = 1;
  for (Index i = 0; i < a.count(); ++i) {
    const auto x = static_cast<double>(a.at(i)), y = static_cast<double>(b.at(i));
    if (!(std::abs(x - y) <= most)) most = std::abs(x - y);
    largest = std::max(largest, std::abs(y));
  }
  return most / largest;
}

}  // namespace drawn
