// Additive attention of queries against positions: e_ij = v . tanh(q_i + k_j), w_i = softmax over j
// of e_ij, context_i = sum_j w_ij value_j, without an array of queries by positions.
//
// Scores are computed tile by tile, by an online softmax (Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018), and again on the way back (Dao et al.,
// "FlashAttention", 2022). Positions that `keep` drops are left out before anything is computed.
// What a query does not look at is skipped, or selected away, and never multiplied by 0; values
// that are not finite are left out of the products and added for those who look at them. So a NaN
// reaches nothing that does not look at it, and changes no bit elsewhere.
//
// Tasks are cut by the sizes alone: forward by blocks of queries, backward by stripes of positions,
// whose shares of the gradients of q are added in order. So all bits are the same on any number of
// threads.
#pragma once

#include "fovea/base/random.hpp"
#include "kernels/attention_pattern.hpp"
#include "kernels/heads.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Numbers for each score, by strides that are 0 along axes which repeat; null: none.
template <class Number>
struct ScoresOf {
  Number* data;
  std::array<Index, 4> strides;

  Number* at(Index sample, Index head, Index query) const {
    return data + sample * strides[0] + head * strides[1] + query * strides[2];
  }
};

struct AdditiveInputs {
  HeadSizes sizes;
  Rows q, k, values;  ///< values: null where only weights are wanted
  const real* v;      ///< (width)
  AttentionPattern pattern;
  ScoresOf<const real> bias;  ///< added to scores; -infinity drops
  real soft_cap;              ///< 0: none
  real drop_rate;             ///< of weights
  const Rng* random;
  Index first_drop;  ///< the number of the first score
};

/// What each query's weights are made from: e^(score - largest) inverse.
struct SoftmaxOfQueries {
  real *largest, *inverse;  ///< (batch, heads, queries)
};

struct AdditiveResults {
  MutableRows context;
  SoftmaxOfQueries softmax;
  real* weights;  ///< (batch, heads, last - first, time), or null
  Span queries;   ///< those that are computed
};
void additive_attention(const AdditiveInputs& in, const AdditiveResults& out);

/// What the gradients are computed from.
struct AdditiveAdjoints {
  Rows context;
  SoftmaxOfQueries softmax;
  Rows dcontext;         ///< null where nothing depends on the context
  const real* weights;   ///< (batch, heads, queries, time); needed with dweights
  const real* dweights;  ///< null where nothing depends on the weights
};

/// Where the gradients go: null where none is wanted, written or added to.
struct AdditiveGradients {
  MutableRows q, k, values;
  bool add_q, add_k, add_values;
  real* v;  ///< (width), written
};

///   dw_ij = dcontext_i . value_j,  de_ij = w_ij (dw_ij - sum_j w_ij dw_ij),
///   dq_i = sum_j de_ij v tanh',  dk_j = sum_i de_ij v tanh',  dv = sum_ij de_ij tanh(q_i + k_j),
///   dvalue_j = sum_i w_ij dcontext_i
void additive_attention_slopes(const AdditiveInputs& in, const AdditiveAdjoints& d,
                               const AdditiveGradients& gradients);

/// The gradient of the bias, by strides as the bias has them: dbias += sum of de over the axes that
/// repeat. dbias is 0 before.
void additive_attention_bias_slopes(const AdditiveInputs& in, const AdditiveAdjoints& d,
                                    real* dbias);

}}}  // namespace fovea::kernels
