// Attention as one function of three choices: how a query scores a position, which positions it
// looks at, and how many heads look.
//
// Scores: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and
// translate" (2014), additive; Luong, Pham and Manning, "Effective approaches to attention-based
// neural machine translation" (2015), dot and general; Vaswani et al., "Attention is all you need"
// (2017), scaled dot and heads. Heads that share keys: Ainslie et al., "GQA" (2023).
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How a position with key k is scored by a query q.
enum class Score {
  additive,    ///< v . tanh(q + k)
  dot,         ///< q . k
  scaled_dot,  ///< q . k / sqrt(width)
  general,     ///< q W . k
};

/// The result of attention: a context, and the weights where they were requested.
class Attended {
 public:
  /// Constructs a result; undefined weights mean none.
  Attended(Tensor sums, Tensor weights = {})  // NOLINT: implicit on purpose
      : context(std::move(sums)), weights_(std::move(weights)) {}

  /// (batch, features), or (batch, queries, features) with one row for each query
  Tensor context;

  /// Returns the weights: (batch, time), (batch, queries, time), or (batch, heads, queries, time).
  /// They sum to 1 over time, or are 0 where no position is kept. Throws StateError where the
  /// weights were not requested.
  const Tensor& weights() const&;
  /// Returns the weights, on the same terms, of a temporary.
  Tensor weights() const&& { return weights(); }

 private:
  Tensor weights_;
};

/// What `causal` and `window` compare where there are more positions than queries, or fewer.
enum class Alignment {
  first,  ///< query 0 stands at position 0: Keras' and PyTorch's
  last,   ///< the last query stands at the last position: queries that follow a cache of keys
};

/// Which pairs of blocks look at each other. Query i looks at position j where the table keeps
/// (i / size, j / size).
struct BlockTable {
  Index size;  ///< queries and positions in a block; the last may have fewer
  Mask keep;   ///< (blocks of queries, blocks of positions)
};

/// Which positions each query looks at, as a value: it needs no memory for each query and position
/// but in `pairs`. A position must meet all conditions; AttentionMask{} keeps every position.
struct AttentionMask {
  bool causal = false;               ///< query i looks at positions up to i only
  std::optional<Index> window = {};  ///< query i looks at positions less than `window` from i
  std::optional<Mask> keep = {};     ///< (batch, time): positions to look at
  std::optional<Mask> queries = {};  ///< (batch, queries): the other queries look at nothing
  /// Where query 0 stands, for `causal`, `window` and `global`.
  Alignment align = Alignment::first;
  /// (batch, time): positions that the window does not limit. Every query looks at them, and the
  /// query that stands there looks at every position (Beltagy, Peters and Cohan, "Longformer",
  /// 2020). The other conditions hold for them as well.
  std::optional<Mask> global = {};
  std::optional<BlockTable> blocks = {};  ///< pairs of blocks that look at each other
  /// Pairs of a query and a position to keep: (batch, heads, queries, time), or any of these as 1.
  std::optional<Mask> pairs = {};

  /// Returns whether there is no condition.
  bool keeps_all() const { return !causal && !window && !keep && !queries && !blocks && !pairs; }

  /// Returns the mask as one byte for each score: (batch, ..., queries, time). Throws ShapeError
  /// for a mask that does not fit the scores, ValueError for a window or a block size below 1.
  Mask dense(const Shape& scores) const;
};

/// Options of `attention`.
struct AttentionOptions {
  Score score = Score::scaled_dot;  ///< how a query scores a position
  /// additive: v (width). general: W (width of queries, width of keys). Else undefined.
  Tensor score_weights = {};
  /// Multiplies scores of the three dot products instead of 1, or of 1 / sqrt(width).
  std::optional<real> scale = {};
  /// If above 0, scores s become soft_cap tanh(s / soft_cap), before the bias is added.
  real soft_cap = 0;
  /// Added to scores, such as for relative positions: (batch, heads, queries, time), or any of
  /// these as 1. -infinity drops a position.
  Tensor bias = {};
  AttentionMask mask = {};  ///< which positions each query looks at
  /// Heads that the last axis of q, k and v of rank 3 holds side by side; 0: no axis of heads.
  Index num_heads = 0;
  /// Heads of k and v; neighbouring query heads share them. 0: as many as q has.
  Index num_key_value_heads = 0;
  real dropout = 0;  ///< probability of dropping a weight; the others are divided by 1 - dropout
  /// Random numbers of dropout: the weight of a sample, head, query and position is decided by its
  /// place in the array of weights.
  std::optional<Rng> random = {};
  Index first_sample = 0;  ///< the number of the first sample within a batch that is cut
  bool weights = false;    ///< whether the result has weights: those before dropout
};

/// Returns context_i = sum_j weight_ij v_j, with weight_ij = softmax over j of score(q_i, k_j).
/// q (batch, queries, width), k (batch, time, width), v (batch, time, value width), or with heads
/// either (batch, heads, queries, width) and so on, or, with num_heads, (batch, queries, heads *
/// width) and so on. The context has the form of q. Memory beyond the results grows with queries
/// and time, not with their product, unless weights are requested. A position that the mask drops
/// affects nothing, not even as NaN; a query that keeps no position has weights, context and
/// gradients of 0. Equal to the composition of matmul, softmax and matmul up to rounding. Throws
/// ShapeError for shapes that do not fit, ValueError for options that do not go together.
Attended attention(const Tensor& q, const Tensor& k, const Tensor& v,
                   const AttentionOptions& options = {});

/// Returns the weights of some queries, [first, last), without recording: (batch, heads, last -
/// first, time), or (batch, last - first, time) without an axis of heads. Equal to that part of
/// `attention(q, k, v, {..., .weights = true}).weights()`; needs memory for that part only. Throws
/// as `attention`, and IndexError for queries that are not there.
Array attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                        Index first, Index last);

/// Options of additive_pool.
struct AdditivePoolOptions {
  std::optional<Mask> mask = {};  ///< (batch, time): positions of x to keep
  bool weights = false;           ///< whether the result has weights
};

}}  // namespace fovea
