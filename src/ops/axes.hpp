// How ops that work along axes see an array: several axes as the rows of a matrix, a mask repeated.
#pragma once

#include "fovea/array/mask.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// x with the axes to be reduced brought to the end, where they are one axis: `count` rows of
/// `length` numbers.
struct Rows {
  Tensor x;
  Index count, length;
  Shape result;

  kernels::AlongAxis along() const { return {count, length, 1}; }
};
Rows rows(const char* operation, const Tensor& x, const Axes& axes, bool keepdims);

/// How many elements are reduced to one. Throws ValueError over nothing.
Index reduced_count(const char* operation, const Shape& x, const Axes& axes);

/// The mask repeated to a shape that it broadcasts to: kernels read one byte for each element.
Mask repeated(const Mask& mask, const Shape& shape);

/// The bytes of a mask, for kernels: null where there is none, which keeps all.
inline const std::uint8_t* bytes(const std::optional<Mask>& mask) {
  return mask ? mask->keep().data() : nullptr;
}

}}}  // namespace fovea::ops
