#include "fovea/array/mask.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

Mask::Mask(const Shape& shape, std::span<const std::uint8_t> keep) : Mask(check_count("Mask", shape, keep.size())) {
  std::ranges::transform(keep, mutable_keep().begin(), [](std::uint8_t value) { return std::uint8_t(value != 0); });
}

Mask Mask::keep_where_not(const Ids& ids, Index dropped) {
  Mask mask(ids.shape());
  std::ranges::transform(ids.values(), mask.mutable_keep().begin(), [=](std::int32_t id) { return std::uint8_t(id != dropped); });
  return mask;
}

Index Mask::kept() const { return std::ranges::count(keep(), std::uint8_t(1)); }

Mask Mask::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError(fmt::format("Mask::reshaped: {} has {} elements, {} has {}", to_string(shape_), count(), to_string(shape), shape.count()));
  Mask result = *this;
  result.shape_ = shape;
  return result;
}

}  // namespace fovea
