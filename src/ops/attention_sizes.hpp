// The shape rule of attention: what a call computes, from the shapes and options given.
#pragma once

#include <array>

#include "fovea/ops/attention.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// The sizes of one attention.
struct AttentionSizes {
  Index batch, heads, key_heads, queries, time, width, value_width;
  bool headed;  ///< whether weights have an axis of heads
  bool split;   ///< whether q, k and v hold their heads side by side in the last axis

  /// How many heads share a head of k and v.
  Index shared() const { return heads / (key_heads > 0 ? key_heads : 1); }
};

/// The sizes of attention(q, k, v, options); without v, values are as wide as keys. Throws
/// ShapeError and ValueError as `attention` says.
AttentionSizes attention_sizes(const Shape& q, const Shape& k, const Shape* v,
                               const AttentionOptions& options);

/// Throws for a mask that does not fit scores (batch, ..., queries, time), as AttentionMask says.
void check_mask(const Shape& scores, const AttentionMask& mask);

/// The shape of the context, which has the form of q.
Shape context_shape(const AttentionSizes& sizes);

/// Strides of a dense array of four axes, 0 along those that repeat.
std::array<Index, 4> strides_of(const Shape& shape);

/// What multiplies dot products.
real score_scale(const AttentionSizes& sizes, const AttentionOptions& options);

}}}  // namespace fovea::ops
