#include "fovea/array/row.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Index place_of(const char* type, const Shape& shape, std::span<const Index> positions) {
  if (static_cast<int>(positions.size()) != shape.rank())
    throw IndexError(fmt::format("{}: {} positions given for shape {}, which has {} axes", type,
                                 positions.size(), to_string(shape), shape.rank()));
  Index place = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Index position = positions[static_cast<std::size_t>(axis)];
    if (position < 0 || position >= shape[axis])
      throw IndexError(
          fmt::format("{}: position ({}) of shape {}: axis {} has {} positions, from 0", type,
                      fmt::join(positions, ", "), to_string(shape), axis, shape[axis]));
    place = place * shape[axis] + position;
  }
  return place;
}

Index place_of_row(const char* type, const Shape& shape, Index position) {
  if (position < 0 || position >= shape[0])
    throw IndexError(fmt::format("{}: row {} of shape {}, which has {} rows", type, position,
                                 to_string(shape), shape[0]));
  return position * shape.without(0).count();
}

void check_row_shape(const char* type, const Shape& expected, const Shape& given) {
  if (expected != given)
    throw ShapeError(fmt::format("{}: a row of shape {} got one of shape {}; they must be equal",
                                 type, to_string(expected), to_string(given)));
}

}}  // namespace fovea
