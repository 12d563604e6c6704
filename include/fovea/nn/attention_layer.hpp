// Attention over a sequence: scores, softmax over the positions that are looked at, weighted sum.
//
// Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate"
// (2014), and Luong, Pham and Manning, "Effective approaches to attention-based neural machine
// translation" (2015), in the three readings that a layer called on one sequence can have.
// docs/the_listing.md tells which of them the well-known listing means.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What an AttentionLayer scores against.
enum class Reading {
  pool,          ///< each position by itself; one context for the sequence
  per_position,  ///< each position against every other; one context for each position
  query,         ///< each position against a query: a tensor that is given, or one that is learned
};

/// How a position x is scored against a query q.
enum class Score {
  additive,    ///< v . tanh(x W1 + b1 + q W2 + b2)
  dot,         ///< (x W1 + b1) . (q W2 + b2)
  scaled_dot,  ///< the same, divided by sqrt(units)
  general,     ///< x W1 q; units must be 0
};

/// x: (batch, time, features).
///   pool:          e_t = v . tanh(W1 x_t + b1 + W2 x_t + b2) + c;  weights = softmax over t;
///   context = sum_t weight_t x_t per_position:  e_ij = score(x_i, x_j); weights = softmax over i
///   for each j;  context_j = sum_i weight_ij x_i query:         e_i = score(x_i, q)
/// Masked positions get weight 0; where nothing is kept, the context is 0. c shifts all scores
/// alike, which softmax does not see: it is a parameter, as in Keras' Dense(1), and its gradient is
/// exactly 0. Initialised as Keras' Dense layers are.
struct AttentionLayer {
  Index units;                      ///< width of W1 and W2; 0 with the general score
  Reading reading = Reading::pool;  ///< what is scored against what
  Score score = Score::additive;    ///< how
  bool bias = true;                 ///< b1, b2 and c exist
  bool causal = false;              ///< per_position: position j looks at positions up to j only
  bool learned_query = false;       ///< query: q is a parameter
  real dropout = 0;                 ///< on the weights, while training
  /// (features, units): the side that is looked at; general: (features, query features)
  Tensor W1 = {}, b1 = {};  ///< (units)
  /// (query features, units): the side that looks
  Tensor W2 = {}, b2 = {};  ///< (units)
  /// (units, 1): additive only
  Tensor v = {}, c = {};  ///< (1): additive only
  Tensor learned = {};    ///< (features): the learned query
  std::optional<std::uint64_t> stream =
      {};  ///< tells the draws of its dropout from those of others: exists once built

  /// sample: (time, features) -> (features), or (time, features) per position. Queries are taken to
  /// have as many features as x. Throws ValueError for options that do not go together, ShapeError
  /// for a sample that is no sequence.
  Shape build(const Shape& sample, const Rng& random);

  /// The context. Throws StateError in reading query without a learned query: call `attend` with
  /// one.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }  ///< without a mask

  /// What attend looks at, besides x.
  struct Options {
    std::optional<Tensor> query = {};  ///< reading query: (batch, queries, query features)
    std::optional<Mask> mask = {};     ///< (batch, time): positions of x to keep
    std::optional<Mask> query_mask =
        {};                ///< (batch, queries): the others get weights and context 0
    bool weights = false;  ///< whether the result has weights
  };

  /// The context, and weights if they are asked for.
  Attention attend(const Tensor& x, const Options& options, const Context& context = {}) const;
  Attention attend(const Tensor& x) const {
    return attend(x, Options{});
  }  ///< without a query or a mask

  /// A mask goes on per position only.
  MaskFlow mask_flow() const {
    return reading == Reading::per_position ? MaskFlow::keeps : MaskFlow::ends;
  }

  /// W1, b1, W2, b2, v, c, query: those that the options ask for.
  static void parameters(auto& self, auto&& visit) {
    const bool additive = self.score == Score::additive, general = self.score == Score::general;
    visit("W1", self.W1);
    if (self.bias && !general) visit("b1", self.b1);
    if (!general) visit("W2", self.W2);
    if (self.bias && !general) visit("b2", self.b2);
    if (additive) visit("v", self.v);
    if (additive && self.bias) visit("c", self.c);
    if (self.reading == Reading::query && self.learned_query) visit("query", self.learned);
  }
};

}}  // namespace fovea
