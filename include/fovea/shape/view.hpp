// A look at numbers that live elsewhere: pointer, shape, and a stride for each axis. This is what
// kernels are handed; a transpose swaps two strides, a broadcast has stride 0, and nothing is
// copied.
#pragma once

#include "fovea/shape/shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using Strides = std::array<Index, Shape::max_rank>;

/// Strides of a dense, row-major array, in elements.
Strides dense_strides(const Shape& shape);

/// `shape` seen as `target`, aligned at the last axis: stride 0 where a size of 1 is repeated or an
/// axis is new. Throws ShapeError where the shapes do not broadcast.
Strides broadcast_strides(const Shape& shape, const Shape& target);

/// Numbers that somebody else owns.
template <class Number>
struct ViewOf {
  Number* data;     ///< the first number
  Shape shape;      ///< sizes, repeated ones included
  Strides strides;  ///< in elements
};
using View = ViewOf<const real>;   ///< to read
using MutableView = ViewOf<real>;  ///< to write

/// The same numbers with the last two axes exchanged. Throws ShapeError below rank 2.
View transposed(const View& view);

/// The same numbers, repeated along axes of size 1 until they have the shape `target`. Throws
/// ShapeError.
View broadcast_to(const View& view, const Shape& target);

}}  // namespace fovea
