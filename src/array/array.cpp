#include "fovea/array/array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

Array::Array(const Shape& shape, std::span<const real> values) : Array(check_count("Array", shape, values.size())) {
  std::ranges::copy(values, mutable_data());
}

Array Array::full(const Shape& shape, real value) {
  Array array(shape);
  std::ranges::fill(array.mutable_values(), value);
  return array;
}

real Array::at(Index position) const {
  if (position < 0 || position >= count())
    throw IndexError(fmt::format("Array::at: position {} of an array of shape {}, which has {} elements", position, to_string(shape_), count()));
  return data()[position];
}

Array Array::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError(fmt::format("reshape: {} has {} elements, {} has {}", to_string(shape_), count(), to_string(shape), shape.count()));
  Array result = *this;
  result.shape_ = shape;
  return result;
}

Array Array::rows(Index begin, Index end) const {
  if (shape_.rank() == 0 || begin < 0 || begin > end || end > shape_[0])
    throw IndexError(fmt::format("Array::rows: rows {} to {} of shape {}", begin, end, to_string(shape_)));
  const Shape cut = shape_.with(0, end - begin);
  const Index row = shape_[0] == 0 ? 0 : count() / shape_[0];
  return Array(cut, values().subspan(static_cast<std::size_t>(begin * row), static_cast<std::size_t>(cut.count())));
}

}  // namespace fovea
