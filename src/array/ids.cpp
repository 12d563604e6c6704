#include "fovea/array/ids.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

Ids::Ids(const Shape& shape, std::span<const std::int32_t> values) : Ids(check_count("Ids", shape, values.size())) {
  std::ranges::copy(values, buffer_.as<std::int32_t>());
}

Ids::Ids(const Shape& shape, std::span<const std::int64_t> values) : Ids(check_count("Ids", shape, values.size())) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != static_cast<std::int32_t>(values[i]))
      throw ValueError(fmt::format("Ids: the value at position {} is {}, which does not fit 32 bits", i, values[i]));
    buffer_.as<std::int32_t>()[i] = static_cast<std::int32_t>(values[i]);
  }
}

Index Ids::at(Index position) const {
  if (position < 0 || position >= count())
    throw IndexError(fmt::format("Ids::at: position {} of ids of shape {}, of which there are {}", position, to_string(shape_), count()));
  return data()[position];
}

Ids Ids::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError(fmt::format("Ids::reshaped: {} has {} elements, {} has {}", to_string(shape_), count(), to_string(shape), shape.count()));
  Ids result = *this;
  result.shape_ = shape;
  return result;
}

Ids Ids::rows(Index begin, Index end) const {
  if (shape_.rank() == 0 || begin < 0 || begin > end || end > shape_[0])
    throw IndexError(fmt::format("Ids::rows: rows {} to {} of shape {}", begin, end, to_string(shape_)));
  const Shape cut = shape_.with(0, end - begin);
  const Index row = shape_[0] == 0 ? 0 : count() / shape_[0];
  return Ids(cut, values().subspan(static_cast<std::size_t>(begin * row), static_cast<std::size_t>(cut.count())));
}

Ids Ids::rows(std::span<const Index> positions) const {
  if (shape_.rank() == 0) throw IndexError("Ids::rows: a single id has no rows");
  Ids result(shape_.with(0, static_cast<Index>(positions.size())));
  const Index row = shape_[0] == 0 ? 0 : count() / shape_[0];
  std::int32_t* out = result.buffer_.as<std::int32_t>();
  for (const Index position : positions) {
    if (position < 0 || position >= shape_[0])
      throw IndexError(fmt::format("Ids::rows: row {} of shape {}", position, to_string(shape_)));
    out = std::copy_n(data() + position * row, row, out);
  }
  return result;
}

}  // namespace fovea
