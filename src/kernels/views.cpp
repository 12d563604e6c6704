#include "kernels/views.hpp"

#include <fmt/format.h>

#include <utility>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

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
