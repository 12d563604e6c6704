// e_ij = score(q_i, k_j),  w_ij = e^e_ij / sum_j e^e_ij over what query i looks at,
// context_i = sum_j w_ij v_j
#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/additive_attention.hpp"
#include "ops/attention_sizes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using ops::AttentionSizes;

// x as (batch, key heads, heads that share a key head, positions, width).
Tensor by_head(const Tensor& x, const AttentionSizes& s, Index heads) {
  const Index shared = heads == s.heads ? s.shared() : 1, positions = x.shape()[-2];
  if (!s.split) return reshape(x, {s.batch, s.key_heads, shared, positions, x.shape()[-1]});
  const Index width = x.shape()[2] / heads;
  return permute_dims(reshape(x, {s.batch, positions, s.key_heads, shared, width}),
                      {0, 2, 3, 1, 4});
}

// (batch, heads, queries, time)
Tensor scores_of(const Tensor& q, const Tensor& k, const AttentionSizes& s,
                 const AttentionOptions& options) {
  Tensor e = options.score == Score::general
                 ? matmul(matmul(q, options.score_weights), k, {.transpose_b = true})
                 : matmul(q, k, {.transpose_b = true});
  e = reshape(e, {s.batch, s.heads, s.queries, s.time});
  if (const real scale = ops::score_scale(s, options); scale != 1) e = e * scale;
  if (options.soft_cap > 0) e = tanh(e * (1 / options.soft_cap)) * options.soft_cap;
  return options.bias.defined() ? e + options.bias : e;
}

}  // namespace

const Tensor& Attended::weights() const& {
  if (!weights_.defined())
    throw StateError(
        "attention: expected weights, but they were not asked for; pass {.weights = true}");
  return weights_;
}

Attended attention(const Tensor& q, const Tensor& k, const Tensor& v,
                   const AttentionOptions& options) {
  const AttentionSizes s = ops::attention_sizes(q.shape(), k.shape(), &v.shape(), options);
  if (options.score == Score::additive) return ops::additive_attention(q, k, v, options, s);
  const Tensor e = scores_of(by_head(q, s, s.heads), by_head(k, s, s.key_heads), s, options);
  const Tensor weights = attention_weights(e, options.mask);
  Tensor used = weights;
  if (options.dropout > 0)
    used = dropout(weights, options.dropout, *options.random,
                   options.first_sample * s.heads * s.queries * s.time);
  used = reshape(used, {s.batch, s.key_heads, s.shared(), s.queries, s.time});
  Tensor context = matmul(used, by_head(v, s, s.key_heads));
  if (s.split)
    context = reshape(permute_dims(context, {0, 3, 1, 2, 4}),
                      {s.batch, s.queries, s.heads * s.value_width});
  else
    context = reshape(context, ops::context_shape(s).sizes());
  if (!options.weights) return context;
  return {context, s.headed ? weights : reshape(weights, {s.batch, s.queries, s.time})};
}

Array attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                        Index first, Index last) {
  if (options.score == Score::additive) {
    const AttentionSizes s = ops::attention_sizes(q.shape(), k.shape(), nullptr, options);
    if (first >= 0 && first <= last && last <= s.queries)
      return ops::additive_attention_weights(q, k, options, s, first, last);
  }
  AttentionOptions all = options;
  all.weights = true;
  all.dropout = 0;
  const NoGrad no_grad;
  return slice(attention(q, k, k, all).weights(), -2, first, last).value();
}

}}  // namespace fovea
