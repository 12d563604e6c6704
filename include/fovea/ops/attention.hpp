// Masks, options and results of attention.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The result of attention: a context, and the weights where they were requested.
class Attention {
 public:
  /// Constructs a result; undefined weights mean none.
  Attention(Tensor sums, Tensor weights = {})  // NOLINT: implicit on purpose
      : context(std::move(sums)), weights_(std::move(weights)) {}

  /// (batch, features), or (batch, queries, features) with one row for each query
  Tensor context;

  /// Returns the weights: (batch, time), or (batch, queries, time). They sum to 1 over time, or are
  /// 0 where no position is kept. Throws StateError where the weights were not requested.
  const Tensor& weights() const&;
  /// Returns the weights, on the same terms, of a temporary.
  Tensor weights() const&& { return weights(); }

 private:
  Tensor weights_;
};

/// Which positions each query looks at, as a value: it needs no memory for each query and position.
/// A position must meet all conditions; AttentionMask{} keeps every position.
struct AttentionMask {
  bool causal = false;               ///< query i looks at positions up to i only
  std::optional<Index> window = {};  ///< query i looks at positions less than `window` from i
  std::optional<Mask> keep = {};     ///< (batch, time): positions to look at
  std::optional<Mask> queries = {};  ///< (batch, queries): the other queries look at nothing

  /// Returns whether there is no condition.
  bool keeps_all() const { return !causal && !window && !keep && !queries; }

  /// Returns the mask as one byte for each score: (batch, ..., queries, time). Throws ShapeError
  /// for a mask that does not fit the scores, ValueError for a window below 1.
  Mask dense(const Shape& scores) const;
};

/// Options of additive_pool.
struct AdditivePoolOptions {
  std::optional<Mask> mask = {};  ///< (batch, time): positions of x to keep
  bool weights = false;           ///< whether the result has weights
};

}}  // namespace fovea
