#include "fovea/shape/view.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Strides dense_strides(const Shape& shape) {
  Strides strides = {};
  Index step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  return strides;
}

Strides broadcast_strides(const Shape& shape, const Shape& target) {
  const int missing = target.rank() - shape.rank();
  const Strides dense = dense_strides(shape);
  Strides strides = {};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (missing < 0 || (shape[axis] != 1 && shape[axis] != target[axis + missing]))
      throw ShapeError(fmt::format(
          "{} does not broadcast to {}: aligned at the last axis, each size must be equal or 1",
          to_string(shape), to_string(target)));
    if (shape[axis] != 1)
      strides[static_cast<std::size_t>(axis + missing)] = dense[static_cast<std::size_t>(axis)];
  }
  return strides;
}

}}  // namespace fovea
