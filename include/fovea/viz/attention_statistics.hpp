// Numbers that say where attention looks, of weights whose matrix need not fit into memory.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Computes the weights of the queries [first, last): (batch, heads, last - first, time), or
/// (batch, last - first, time) of one head. Each row sums to 1, or is 0 for a query that looks at
/// nothing. Of attention that is too long for its matrix, this is a source:
///
///     [&](Index first, Index last) { return attention_weights(q, k, options, first, last); }
using WeightsOfQueries = std::function<Array(Index first, Index last)>;

/// Returns weights that are in memory as a source: (batch, heads, queries, time), or (batch,
/// queries, time) or (batch, time) of one head or query. Throws ShapeError for another rank.
WeightsOfQueries weights_of_queries(const Array& weights);

/// What attention_statistics computes. Memory is taken for what is asked for, and for the weights
/// of `queries_at_once` queries.
struct AttentionStatisticsOptions {
  bool entropy = true;         ///< whether to compute AttentionStatistics::entropy
  bool mean_distance = true;   ///< whether to compute AttentionStatistics::mean_distance
  bool effective_span = true;  ///< whether to compute AttentionStatistics::effective_span
  Index top = 0;               ///< number of largest weights to keep of each query; 0: none
  double span_share = 0.9;     ///< part of the weight that the effective span holds; in (0, 1]
  /// The position of query 0 among the keys. It is time - queries where the last query stands at
  /// the last key, as with cached keys.
  Index first_position = 0;
  Index queries_at_once = 64;  ///< that the source is asked for; at least 1
};

/// Where each query looks. What was not asked for has shape (0,).
struct AttentionStatistics {
  /// -sum_j a_j ln a_j in nats: (batch, heads, queries). From 0, one position, to ln(time), all
  /// alike; e^entropy is a number of positions.
  Array entropy;
  /// The entropy of each head: (heads), the mean over all queries that look at something.
  Array head_entropy;
  /// sum_j a_j |i - j| in positions, for a query at position i: (batch, heads, queries).
  Array mean_distance;
  /// The smallest number of positions that together hold `span_share` of the weight: (batch, heads,
  /// queries). It is the size of the nucleus of Holtzman et al., "The curious case of neural text
  /// degeneration" (2020).
  Array effective_span;
  /// The positions of the largest weights, largest first, of equals the first: (batch, heads,
  /// queries, top). -1 where a query has no further weight above 0.
  Ids top_positions;
  /// The weights at these positions: (batch, heads, queries, top); 0 beside -1.
  Array top_weights;
};

/// Computes statistics of the weights of `queries` queries, range by range. The results have the
/// same bits for any number of threads and any `queries_at_once`. Throws ValueError for an option
/// outside of its range, and for weights that are negative, not finite, or that sum to neither 1
/// nor 0 (after dropout, say); ShapeError when the source returns another shape than it should.
AttentionStatistics attention_statistics(const WeightsOfQueries& source, Index queries,
                                         const AttentionStatisticsOptions& options = {});

/// Options of attention_rollout.
struct AttentionRolloutOptions {
  std::optional<Mask> keep = {};  ///< (batch, time): positions that are no padding
  /// Whether to add the identity to the weights of each layer, for the residual connection around
  /// it.
  bool residual = true;
};

/// Attention rollout of Abnar and Zuidema, "Quantifying attention flow in transformers" (2020):
/// for each layer A = normalised(mean over heads + identity), first layer first, the result is
/// A_last ... A_2 A_1: (batch, time, time). Element (i, j) tells how much of position i of the last
/// layer comes from input j, if weights were all that mixes positions. Each row sums to 1; rows and
/// columns of padding are 0. `layers` are (batch, heads, time, time), or (batch, time, time) of one
/// head. Throws ValueError without a layer and for weights as attention_statistics does, ShapeError
/// for shapes that differ.
Array attention_rollout(const std::vector<Array>& layers,
                        const AttentionRolloutOptions& options = {});

/// Returns weight times gradient, a_ij dloss/da_ij: to first order, what weight a_ij adds to the
/// loss; below 0 where it makes the loss smaller. `dcontext` is the gradient of the context of
/// attention, and `values` is what the context sums, context_i = sum_j a_ij values_j. So
/// dloss/da_ij = dcontext_i . values_j, whichever way the context was computed, fused or not:
///
///     const Attended attended = layer.attend(x, {.weights = true});
///     const Tensor loss = ...;  // of attended.context
///     const std::vector<Array> d = grad(loss, {attended.context});
///     gradient_times_weight(d[0], attended.weights().value(), x.value());
///
/// Shapes: weights (batch, heads, queries, time), dcontext (batch, heads, queries, width), values
/// (batch, heads, time, width), or with fewer heads, each for a group of the others; or with heads
/// side by side, dcontext (batch, queries, heads * width) and values (batch, time, heads * width);
/// or without heads, weights (batch, queries, time); or with one query, weights (batch, time),
/// dcontext (batch, width) and values (batch, time, width). The result has the shape of the
/// weights. Where a weight is 0 the result is 0, whatever the value is. Throws ShapeError for
/// shapes that do not fit.
Array gradient_times_weight(const Array& dcontext, const Array& weights, const Array& values);

}}  // namespace fovea
