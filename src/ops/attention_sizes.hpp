// The shape rule of attention: what a call computes, from the shapes and options given.
#pragma once

#include "fovea/ops/attention.hpp"
#include "kernels/heads.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// The sizes of one attention.
struct AttentionSizes : kernels::HeadSizes {
  bool headed;  ///< whether weights have an axis of heads
  bool split;   ///< whether q, k and v hold their heads side by side in the last axis

  /// What kernels know of them.
  const kernels::HeadSizes& by_heads() const { return *this; }
};

/// The sizes of attention(q, k, v, options); without v, values are as wide as keys. Throws
/// ShapeError and ValueError as `attention` says.
AttentionSizes attention_sizes(const Shape& q, const Shape& k, const Shape* v,
                               const AttentionOptions& options);

/// Throws for a mask that does not fit scores (batch, ..., queries, time), as AttentionMask says;
/// `call` is what the message names.
void check_mask(const char* call, const Shape& scores, const AttentionMask& mask);

/// The shape of the context, which has the form of q.
Shape context_shape(const AttentionSizes& sizes);

/// What multiplies dot products.
real score_scale(const AttentionSizes& sizes, const AttentionOptions& options);

}}}  // namespace fovea::ops
