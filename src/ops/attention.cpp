// e_ij = score(q_i, k_j),  w_ij = e^e_ij / sum_j e^e_ij over what query i looks at,
// context_i = sum_j w_ij v_j
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/additive_attention.hpp"
#include "ops/attention_inputs.hpp"
#include "ops/dot_attention.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using ops::AttentionSizes;

// Which queries look at any position, by the mask and by a bias above -infinity: (batch, heads,
// queries) in the order of q, and an axis of 1.
Mask looking(const AttentionSizes& s, const AttentionOptions& options) {
  const kernels::AttentionPattern pattern = ops::pattern_of(options.mask, s.queries, s.time);
  const real* const bias = options.bias.defined() ? options.bias.value().data() : nullptr;
  const auto strides = bias ? ops::strides_of(options.bias.shape()) : std::array<Index, 4>{};
  const auto looks = [&](Index b, Index h, Index query) {
    const real* const row = bias + b * strides[0] + h * strides[1] + query * strides[2];
    for (Index j = 0; j < s.time; ++j)
      if (pattern.keeps(b, h, query, j) &&
          (!bias || row[j * strides[3]] != -std::numeric_limits<real>::infinity()))
        return true;
    return false;
  };
  Mask any(s.split    ? Shape{s.batch, s.queries, s.heads, 1}
           : s.headed ? Shape{s.batch, s.heads, s.queries, 1}
                      : Shape{s.batch, s.queries, 1});
  std::uint8_t* const bytes = any.mutable_keep().data();
  const kernels::RowsOf<std::uint8_t> rows = ops::rows_of(bytes, s, s.heads, s.queries, Index(1));
  for (Index b = 0; b < s.batch; ++b)
    for (Index h = 0; h < s.heads; ++h)
      for (Index query = 0; query < s.queries; ++query) *rows.at(b, h, query) = looks(b, h, query);
  return any;
}

// Returns q W. A query that looks at nothing and is not finite is read as 0: the gradient of W
// would otherwise be 0 times infinity.
Tensor projected(const Tensor& q, const AttentionSizes& s, const AttentionOptions& options) {
  const Index key_width = options.score_weights.shape()[1];
  Tensor rows = s.split ? reshape(q, {s.batch, s.queries, s.heads, s.width}) : q;
  const auto values = q.value().values();
  if ((s.time == 0 || options.bias.defined() || !options.mask.keeps_all()) &&
      !std::ranges::all_of(values, [](real x) { return std::isfinite(x); }))
    rows = where(looking(s, options), rows, Tensor(Array::zeros(Shape())));
  const Tensor product = matmul(rows, options.score_weights);
  return s.split ? reshape(product, {s.batch, s.queries, s.heads * key_width}) : product;
}

// The options of the same attention with the score dot.
AttentionOptions as_dot(const AttentionOptions& options) {
  AttentionOptions dot = options;
  dot.score = Score::dot;
  dot.score_weights = {};
  return dot;
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
  ops::check_mask("attention", Shape{s.batch, s.heads, s.queries, s.time}, options.mask);
  if (options.score == Score::additive) return ops::additive_attention(q, k, v, options, s);
  if (options.score == Score::general)
    return attention(projected(q, s, options), k, v, as_dot(options));
  return ops::dot_attention(q, k, v, s, options);
}

Array attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                        Index first, Index last) {
  const AttentionSizes s = ops::attention_sizes(q.shape(), k.shape(), nullptr, options);
  ops::check_mask("attention_weights", Shape{s.batch, s.heads, s.queries, s.time}, options.mask);
  if (first < 0 || first > last || last > s.queries)
    throw IndexError(
        fmt::format("attention_weights: expected a range within {} queries, got [{}, {})",
                    s.queries, first, last));
  const NoGrad no_grad;
  if (options.score == Score::additive)
    return ops::additive_attention_weights(q, k, options, s, first, last);
  if (options.score == Score::general)
    return attention_weights(projected(q, s, options), k, as_dot(options), first, last);
  return ops::dot_attention_weights(q, k, s, options, first, last);
}

}}  // namespace fovea
