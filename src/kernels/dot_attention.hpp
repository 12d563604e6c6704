// Attention with dot products by tiles of queries and positions: s_ij = q_i . k_j, softmax on the
// way (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018), and on the way
// back the weights computed again from what each row summed to (Dao et al., "FlashAttention",
// 2022). Memory grows with length, not with its square. Bits depend on the shapes alone.
#pragma once

#include "fovea/base/random.hpp"
#include "kernels/attention_pattern.hpp"
#include "kernels/heads.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What is attended, and how.
struct DotAttention {
  HeadSizes sizes;
  Rows q, k, v;
  real scale, soft_cap;
  const real* bias;  ///< or null
  std::array<Index, 4> bias_strides;
  AttentionPattern pattern;
  real dropout;
  const Rng* random;
  Index first_weight;  ///< the number of the first weight, for dropout
};

/// context_i of the queries [first, last), where there is room for it, and what weights and
/// gradients need: `norm`, the logarithm to base 2 of the sum of each row (batch, heads, queries).
void dot_attention(const DotAttention& a, Index first, Index last, const MutableRows& context,
                   real* norm);

/// Weights of the queries [first, last): (batch, heads, last - first, time).
void dot_attention_weights(const DotAttention& a, const real* norm, Index first, Index last,
                           real* weights);

/// What the gradients are computed from. Either gradient may be null.
struct DotAdjoints {
  const real* norm;
  Rows context, dcontext;
  const real *weights, *dweights;  ///< (batch, heads, queries, time)
};

/// Where the gradients go; null where none is wanted. They are written or added to, but dbias, of
/// the strides of the bias, which is written.
struct DotGradients {
  MutableRows dq, dk, dv;
  bool add_dq, add_dk, add_dv;
  real* dbias;
  std::array<Index, 4> bias_sizes;
};
void dot_attention_slopes(const DotAttention& a, const DotAdjoints& d, const DotGradients& to);

}}}  // namespace fovea::kernels
