#include "ops/attention_inputs.hpp"

#include <algorithm>

#include "ops/axes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

std::array<Index, 4> strides_of(const Shape& shape) {
  std::array<Index, 4> strides = {};
  Index step = 1;
  for (int axis = 3; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = shape[axis] == 1 ? 0 : step;
    step *= shape[axis];
  }
  return strides;
}

kernels::AttentionPattern pattern_of(const AttentionMask& mask, Index queries, Index time) {
  return {queries,
          time,
          mask.causal,
          std::min(mask.window.value_or(0), queries + time),  // farther is the same
          mask.align == Alignment::last ? time - queries : 0,
          bytes(mask.keep),
          bytes(mask.queries),
          bytes(mask.global),
          mask.blocks ? mask.blocks->size : 0,
          mask.blocks ? mask.blocks->keep.keep().data() : nullptr,
          mask.blocks ? mask.blocks->keep.shape()[1] : 0,
          bytes(mask.pairs),
          mask.pairs ? strides_of(mask.pairs->shape()) : std::array<Index, 4>{}};
}

}}}  // namespace fovea::ops
