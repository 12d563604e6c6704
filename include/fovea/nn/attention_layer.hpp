// Attention over a sequence: scores, softmax over the positions that are looked at, weighted sum.
//
// Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate"
// (2014), and Luong, Pham and Manning, "Effective approaches to attention-based neural machine
// translation" (2015), in the three readings that a layer called on one sequence can have.
// docs/the_listing.md tells which of them the well-known listing means.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What an AttentionLayer scores against.
enum class Reading {
  pool,          ///< each position by itself; one context for the sequence
  per_position,  ///< each position against every other; one context for each position
  query,         ///< each position against a query: a tensor that is given, or one that is learned
};

/// Attention over x (batch, time, features), in one of three readings:
///
/// - pool: e_t = V . tanh(W1 x_t + W2 x_t), weights = softmax over t, context = sum_t weight_t x_t.
/// - per_position: e_ij = score(x_i, x_j), weights = softmax over i for each j,
///   context_j = sum_i weight_ij x_i.
/// - query: e_i = score(x_i, q), for a query q that is given or learned.
///
/// W1, W2 and V are Dense layers, as in the well-known listing, and initialised as those are.
/// Masked positions get weight 0; where nothing is kept, the context is 0. The bias of V shifts all
/// scores alike, which softmax does not see: it is a parameter, as in Keras' Dense(1), and its
/// gradient is exactly 0.
struct AttentionLayer {
  Index units;                      ///< width of W1 and W2; 0 with the general score
  Reading reading = Reading::pool;  ///< what is scored against what
  Score score = Score::additive;    ///< how
  bool use_bias = true;             ///< W1, W2 and V have biases; never with the general score
  bool causal = false;              ///< per_position: position j looks at positions up to j only
  bool learned_query = false;       ///< query: q is a parameter
  real dropout = 0;                 ///< on the weights, while training
  /// per_position: position j looks at positions less than this from j; 0: at any distance.
  Index window = 0;

  /// Projects the side that is looked at; its kernel is (features, units). With the general score,
  /// the kernel is (features, query features).
  Dense W1 = {.units = units, .use_bias = use_bias && score != Score::general};
  /// Projects the side that looks; its kernel is (query features, units).
  Dense W2 = {.units = units, .use_bias = use_bias};
  /// Scores the sum of both; its kernel is (units, 1). Of the additive score only.
  Dense V = {.units = 1, .use_bias = use_bias};
  /// The learned query: (features).
  Tensor query = {};
  /// Separates the draws of its dropout from those of other layers; exists once built.
  std::optional<std::uint64_t> stream = {};

  /// Makes W1, W2 and V itself, which it does not call.
  static constexpr bool builds_children = true;

  /// sample: (time, features) -> (features), or (time, features) per position. Queries are built
  /// for as many features as x has. Throws ValueError for options that do not go together,
  /// ShapeError for a sample that is no sequence.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns the context. Throws StateError in the reading query without a learned query; call
  /// `attend` with one.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the context without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// What `attend` looks at, and how, besides x.
  struct Options {
    /// The reading query: (batch, queries, query features).
    std::optional<Tensor> query = {};
    /// Which positions of x each query looks at, beside the layer's own options. Queries that it
    /// leaves out have weights and a context of 0. One query for a sequence, as in the reading pool
    /// and with a learned query, stands nowhere in it: its mask has `keep`, `queries` and `pairs`.
    AttentionMask mask = {};
    /// Added to scores, such as for relative positions: (batch, 1, queries, time), or any as 1.
    Tensor bias = {};
    /// Whether the result has weights.
    bool weights = false;
  };

  /// Returns the context, and the weights if they are asked for:
  ///
  ///     attention.attend(x, {.query = decoder, .mask = {.keep = words}, .weights = true}, context)
  ///
  /// Throws as `attention`, ValueError for a mask that orders positions where there is one query,
  /// StateError before it is built and without a query.
  Attended attend(const Tensor& x, const Options& options, const Context& context = {}) const;
  /// Returns the context without a query or a mask.
  Attended attend(const Tensor& x) const { return attend(x, Options{}); }

  /// Keeps a mask per position only.
  MaskFlow mask_flow() const {
    return reading == Reading::per_position ? MaskFlow::keeps : MaskFlow::ends;
  }

  /// W1, W2, V and query: those that the options ask for.
  static void parameters(auto& self, auto&& visit) {
    visit("W1", self.W1);
    if (self.score != Score::general) visit("W2", self.W2);
    if (self.score == Score::additive) visit("V", self.V);
    if (self.reading == Reading::query && self.learned_query) visit("query", self.query);
  }
};

}}  // namespace fovea
