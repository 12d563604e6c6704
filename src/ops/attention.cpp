// e_ij = score(q_i, k_j),  w_ij = e^e_ij / sum_j e^e_ij over what query i looks at,
// context_i = sum_j w_ij v_j
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/additive_attention.hpp"
#include "ops/attention_sizes.hpp"
#include "ops/dot_attention.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using ops::AttentionSizes;

// Whether a query looks at any position: `kept` are the bytes of its row of the mask, `bias` the
// first of its row, or null.
bool looks(std::span<const std::uint8_t> kept, const real* bias, Index step) {
  for (std::size_t j = 0; j < kept.size(); ++j)
    if (kept[j] &&
        (!bias || bias[static_cast<Index>(j) * step] != -std::numeric_limits<real>::infinity()))
      return true;
  return false;
}

// Which queries look at any position: (batch, heads, queries) in the order of q, and an axis of 1.
Mask looking(const AttentionSizes& s, const AttentionOptions& options) {
  const Mask kept = options.mask.dense(Shape{s.batch, s.heads, s.queries, s.time});
  const Tensor& bias = options.bias;
  const auto strides = bias.defined() ? ops::strides_of(bias.shape()) : std::array<Index, 4>{};
  Mask any(s.split    ? Shape{s.batch, s.queries, s.heads, 1}
           : s.headed ? Shape{s.batch, s.heads, s.queries, 1}
                      : Shape{s.batch, s.queries, 1});
  for (Index i = 0; i < any.count(); ++i) {
    const Index b = i / (s.heads * s.queries), rest = i % (s.heads * s.queries);
    const Index row = s.split ? (b * s.heads + rest % s.heads) * s.queries + rest / s.heads : i;
    const Index h = row / s.queries % s.heads, query = row % s.queries;
    const real* const added =
        bias.defined() ? bias.value().data() + b * strides[0] + h * strides[1] + query * strides[2]
                       : nullptr;
    any.mutable_keep()[static_cast<std::size_t>(i)] =
        looks(kept.keep().subspan(static_cast<std::size_t>(row * s.time),
                                  static_cast<std::size_t>(s.time)),
              added, strides[3]);
  }
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
  ops::check_mask(Shape{s.batch, s.heads, s.queries, s.time}, options.mask);
  if (options.score == Score::additive) return ops::additive_attention(q, k, v, options, s);
  if (options.score == Score::general)
    return attention(projected(q, s, options), k, v, as_dot(options));
  return ops::dot_attention(q, k, v, s, options);
}

Array attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                        Index first, Index last) {
  const AttentionSizes s = ops::attention_sizes(q.shape(), k.shape(), nullptr, options);
  ops::check_mask(Shape{s.batch, s.heads, s.queries, s.time}, options.mask);
  if (first < 0 || first > last || last > s.queries)
    throw IndexError(
        fmt::format("attention_weights: expected a range of the queries 0 to {}, got [{}, {})",
                    s.queries - 1, first, last));
  const NoGrad no_grad;
  if (options.score == Score::additive)
    return ops::additive_attention_weights(q, k, options, s, first, last);
  if (options.score == Score::general)
    return attention_weights(projected(q, s, options), k, as_dot(options), first, last);
  return ops::dot_attention_weights(q, k, s, options, first, last);
}

}}  // namespace fovea
