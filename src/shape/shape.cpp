#include "fovea/shape/shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ostream>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Shape::Shape(std::span<const Index> sizes) {
  if (sizes.size() > max_rank)
    throw ShapeError(fmt::format("Shape: at most {} axes; ({}) has {}", max_rank,
                                 fmt::join(sizes, ", "), sizes.size()));
  // Zeros are left out of the product, so that (2^40, 2^40, 0) is refused as well: views of it
  // would overflow.
  Index product = 1;
  for (const Index size : sizes) {
    if (size < 0)
      throw ShapeError(fmt::format("Shape: a size is negative: ({})", fmt::join(sizes, ", ")));
    if (size > 0 && (__builtin_mul_overflow(product, size, &product) || product > (Index(1) << 56)))
      throw ShapeError(fmt::format("Shape: more elements than the address space holds: ({})",
                                   fmt::join(sizes, ", ")));
    sizes_[static_cast<std::size_t>(rank_++)] = size;
  }
  count_ = std::ranges::find(sizes, 0) == sizes.end() ? product : 0;
}

int Shape::resolve(int axis) const {
  if (rank_ == 0) throw IndexError(fmt::format("axis {} of shape (): a scalar has no axes", axis));
  if (axis < -rank_ || axis >= rank_)
    throw IndexError(fmt::format("axis {} of shape {}: there are axes {} to {}", axis,
                                 to_string(*this), -rank_, rank_ - 1));
  return axis < 0 ? axis + rank_ : axis;
}

Shape Shape::with(int axis, Index size) const {
  auto sizes = sizes_;
  sizes[static_cast<std::size_t>(resolve(axis))] = size;
  return Shape(std::span<const Index>(sizes.data(), static_cast<std::size_t>(rank_)));
}

Shape Shape::without(int axis) const {
  auto kept = sizes_;
  std::copy(kept.begin() + resolve(axis) + 1, kept.begin() + rank_, kept.begin() + resolve(axis));
  return Shape(std::span<const Index>(kept.data(), static_cast<std::size_t>(rank_ - 1)));
}

Shape Shape::inserted(int axis, Index size) const {
  const int position = axis < 0 ? axis + rank_ + 1 : axis;
  if (position < 0 || position > rank_)
    throw IndexError(fmt::format("a new axis {} of shape {}: it may be {} to {}", axis,
                                 to_string(*this), -rank_ - 1, rank_));
  std::array<Index, max_rank + 1> longer = {};
  std::copy(sizes_.begin(), sizes_.begin() + position, longer.begin());
  longer[static_cast<std::size_t>(position)] = size;
  std::copy(sizes_.begin() + position, sizes_.begin() + rank_, longer.begin() + position + 1);
  return Shape(std::span<const Index>(longer.data(), static_cast<std::size_t>(rank_ + 1)));
}

std::string to_string(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape.sizes(), ", "), shape.rank() == 1 ? "," : "");
}

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  return stream << to_string(shape);
}

const Shape& check_count(const char* type, const Shape& shape, std::size_t values) {
  if (static_cast<Index>(values) != shape.count())
    throw ShapeError(fmt::format("{}: {} values given for shape {}, which has {}", type, values,
                                 to_string(shape), shape.count()));
  return shape;
}

}}  // namespace fovea
