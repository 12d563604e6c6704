// Views, the arguments of kernels: a pointer to elements, a shape, and a stride for each axis. A
// transpose swaps two strides, and a broadcast axis has stride 0, so neither copies.
#pragma once

#include "fovea/shape/shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using Strides = std::array<Index, Shape::max_rank>;

/// Returns the strides of a dense, row-major array, in elements.
Strides dense_strides(const Shape& shape);

/// Returns the strides that show `shape` as `target`, aligned at the last axis. They are 0 where a
/// size of 1 is repeated or an axis is new. Throws ShapeError where the shapes do not broadcast.
Strides broadcast_strides(const Shape& shape, const Shape& target);

/// Elements that are owned elsewhere.
template <class Number>
struct ViewOf {
  Number* data;     ///< the first element
  Shape shape;      ///< sizes, repeated ones included
  Strides strides;  ///< in elements
};
using View = ViewOf<const real>;   ///< to read
using MutableView = ViewOf<real>;  ///< to write

/// Returns a view with the last two axes exchanged. Throws ShapeError below rank 2.
View transposed(const View& view);

/// Returns a view of shape `target` that repeats axes of size 1. Throws ShapeError where the shapes
/// do not broadcast.
View broadcast_to(const View& view, const Shape& target);

}}  // namespace fovea
