#include "fovea/shape/view.hpp"

#include <fmt/format.h>

#include <utility>

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

View transposed(const View& view) {
  const int rank = view.shape.rank();
  if (rank < 2)
    throw ShapeError(
        fmt::format("transposed: shape {} has no two last axes", to_string(view.shape)));
  View result = view;
  result.shape = view.shape.with(-1, view.shape[-2]).with(-2, view.shape[-1]);
  std::swap(result.strides[static_cast<std::size_t>(rank - 1)],
            result.strides[static_cast<std::size_t>(rank - 2)]);
  return result;
}

View broadcast_to(const View& view, const Shape& target) {
  const Strides repeated = broadcast_strides(view.shape, target);
  const int missing = target.rank() - view.shape.rank();
  View result{view.data, target, {}};
  for (int axis = 0; axis < view.shape.rank(); ++axis)
    if (repeated[static_cast<std::size_t>(axis + missing)] != 0)
      result.strides[static_cast<std::size_t>(axis + missing)] =
          view.strides[static_cast<std::size_t>(axis)];
  return result;
}

}}  // namespace fovea
