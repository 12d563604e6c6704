// What attention takes and gives, besides tensors.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What attention gives: a context, and the weights where they were asked for.
class Attention {
 public:
  Attention(Tensor sums, Tensor weights = {})                      // NOLINT: implicit on purpose
      : context(std::move(sums)), weights_(std::move(weights)) {}  ///< weights not defined: none

  /// (batch, features), or (batch, queries, features) where there is one for each query
  Tensor context;

  /// (batch, time), or (batch, queries, time): how much each query looks at each position; sums to
  /// 1, or is 0 where nothing is kept. Throws StateError where the weights were not asked for.
  const Tensor& weights() const&;
  Tensor weights() const&& { return weights(); }  ///< the same, of a temporary

 private:
  Tensor weights_;
};

/// Which positions each query looks at, as a value: it needs no memory for each query and position.
/// All of its conditions have to be met; AttentionMask{} keeps everything.
struct AttentionMask {
  bool causal = false;               ///< query i looks at positions up to i only
  std::optional<Index> window = {};  ///< query i looks at positions less than so far from i
  std::optional<Mask> keep = {};     ///< (batch, time): positions to look at
  std::optional<Mask> queries = {};  ///< (batch, queries): the others look at nothing

  bool keeps_all() const { return !causal && !window && !keep && !queries; }  ///< no condition

  /// The same as a byte for each score, (batch, ..., queries, time). Throws ShapeError for a mask
  /// that does not fit them, ValueError for a window below 1.
  Mask dense(const Shape& scores) const;
};

/// What additive_pool is asked for, besides the context.
struct AdditivePoolOptions {
  std::optional<Mask> mask = {};  ///< (batch, time): positions of x to keep
  bool weights = false;           ///< whether the result has weights
};

}}  // namespace fovea
