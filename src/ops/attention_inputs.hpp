// How kernels of attention see what a call was given: rows by heads, and the mask as a pattern.
#pragma once

#include <array>

#include "kernels/attention_pattern.hpp"
#include "ops/attention_sizes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// Where the rows of an array stand: of each head side by side, or one head after the other.
template <class Number>
kernels::RowsOf<Number> rows_of(Number* data, const AttentionSizes& s, Index heads, Index positions,
                                Index width) {
  if (s.split) return {data, positions * heads * width, width, heads * width};
  return {data, heads * positions * width, positions * width, width};
}

/// Strides of a dense array of four axes, 0 along those that repeat.
std::array<Index, 4> strides_of(const Shape& shape);

/// The mask, which must outlive the result, for `queries` queries and `time` positions.
kernels::AttentionPattern pattern_of(const AttentionMask& mask, Index queries, Index time);

}}}  // namespace fovea::ops
