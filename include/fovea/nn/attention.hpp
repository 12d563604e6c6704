// Attention without projections: Keras' Attention and AdditiveAttention.
//
// Luong, Pham and Manning, "Effective approaches to attention-based neural machine translation"
// (2015), and Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align
// and translate" (2014). docs/attention.md compares all layers of attention.
#pragma once

#include <optional>

#include "fovea/nn/module.hpp"
#include "fovea/ops/attention.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What `attend` looks at, and how, besides the query.
struct AttendOptions {
  /// What is summed: (batch, time, features). None: the query itself, which is self-attention.
  std::optional<Tensor> value = {};
  /// What is scored: (batch, time, features). None: the value.
  std::optional<Tensor> key = {};
  /// Which positions each query looks at, beside the layer's own options; `keep` is Keras' mask of
  /// the value, `queries` that of the query, `pairs` its attention_mask.
  AttentionMask mask = {};
  /// Added to scores, such as for relative positions: (batch, heads, queries, time), or any as 1.
  Tensor bias = {};
  /// Whether the result has weights: (batch, queries, time), or with heads (batch, heads, queries,
  /// time).
  bool weights = false;
};

/// How Attention scores.
enum class ScoreMode {
  dot,     ///< q . k
  concat,  ///< c sum of tanh(q + k), with a weight c
};

/// context_i = sum_j softmax_j(score(q_i, k_j)) v_j, Keras' Attention: a dot product without a
/// scale, and no projections. Keys are as wide as queries, values as wide as they are. Called with
/// one x, x is query, key and value, and masked positions neither look nor are looked at. A query
/// that looks at nothing has weights and context 0; Keras gives it about the mean of the values.
struct Attention {
  bool use_scale = false;  ///< dot: scores times `scale`; concat: tanh(scale (q + k))
  ScoreMode score_mode = ScoreMode::dot;  ///< how
  real dropout = 0;                       ///< on the weights, while training
  bool causal = false;              ///< query i looks at positions up to i; Keras' use_causal_mask
  Tensor scale = {};                ///< (), 1 at first
  Tensor concat_score_weight = {};  ///< c: (), 1 at first
  /// Separates the draws of its dropout from those of other layers; exists once built.
  std::optional<std::uint64_t> stream = {};

  /// sample: (time, features), of the query -> (time, features). Throws ValueError for options out
  /// of range, ShapeError for a sample that is no sequence.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns the context of x over x: (batch, time, features).
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the context without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Returns the context of each query, (batch, queries, value features), and the weights if they
  /// are asked for. Throws as `attention`, and StateError before it is built.
  Attended attend(const Tensor& query, const AttendOptions& options,
                  const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// scale and concat_score_weight: those that the options ask for.
  static void parameters(auto& self, auto&& visit) {
    if (self.use_scale) visit("scale", self.scale);
    if (self.score_mode == ScoreMode::concat)
      visit("concat_score_weight", self.concat_score_weight);
  }
};

/// context_i = sum_j softmax_j(scale . tanh(q_i + k_j)) v_j, Keras' AdditiveAttention: no
/// projections. Keys are as wide as queries, values as wide as they are. AttentionLayer has the
/// projections. Called as Attention is, with the same rule for a query that looks at nothing.
struct AdditiveAttention {
  bool use_scale = true;  ///< whether scale is a parameter; otherwise it is 1
  real dropout = 0;       ///< on the weights, while training
  bool causal = false;    ///< query i looks at positions up to i; Keras' use_causal_mask
  Tensor scale = {};      ///< (features), glorot_uniform
  /// Separates the draws of its dropout from those of other layers; exists once built.
  std::optional<std::uint64_t> stream = {};

  /// As Attention's; throws ShapeError for other features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns the context of x over x: (batch, time, features).
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the context without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// As Attention's.
  Attended attend(const Tensor& query, const AttendOptions& options,
                  const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// scale, if there is one.
  static void parameters(auto& self, auto&& visit) {
    if (self.use_scale) visit("scale", self.scale);
  }
};

}}  // namespace fovea
