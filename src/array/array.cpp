// Arrays of numbers, of ids and of keep-or-drop.
#include "fovea/array/array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/array/mask.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

template <class Self>
constexpr const char* name = std::is_same_v<Self, Ids>    ? "Ids"
                             : std::is_same_v<Self, Mask> ? "Mask"
                                                          : "Array";

}  // namespace

template <class T, class Self>
Elements<T, Self>::Elements(const Shape& shape, std::span<const T> values)
    : Elements(check_count(name<Self>, shape, values.size())) {
  std::ranges::copy(values, mutable_data());
}

template <class T, class Self>
T Elements<T, Self>::at(Index position) const {
  if (position < 0 || position >= count())
    throw IndexError(fmt::format("{}::at: position {} of shape {}, which has {} elements",
                                 name<Self>, position, to_string(shape_), count()));
  return data()[position];
}

template <class T, class Self>
Self Elements<T, Self>::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError(fmt::format("{}::reshaped: {} has {} elements, {} has {}", name<Self>,
                                 to_string(shape_), count(), to_string(shape), shape.count()));
  Self result(static_cast<const Self&>(*this));
  result.shape_ = shape;
  return result;
}

template <class T, class Self>
Self Elements<T, Self>::rows(Index begin, Index end) const {
  if (const Index count = shape_[0]; begin < 0 || begin > end || end > count)
    throw IndexError(fmt::format("{}::rows: [{}, {}) of shape {}, which has {} rows", name<Self>,
                                 begin, end, to_string(shape_), count));
  Self result(shape_.with(0, end - begin));
  std::copy_n(data() + begin * shape_.without(0).count(), result.count(), result.mutable_data());
  return result;
}

template <class T, class Self>
Self Elements<T, Self>::rows(std::span<const Index> positions) const {
  const Index count = shape_[0];
  Self result(shape_.with(0, static_cast<Index>(positions.size())));
  const Index width = shape_.without(0).count();
  T* out = result.mutable_data();
  for (const Index position : positions) {
    if (position < 0 || position >= count)
      throw IndexError(fmt::format("{}::rows: row {} of shape {}, which has {} rows", name<Self>,
                                   position, to_string(shape_), count));
    out = std::copy_n(data() + position * width, width, out);
  }
  return result;
}

template class Elements<real, Array>;
template class Elements<std::int32_t, Ids>;
template class Elements<std::uint8_t, Mask>;

Array Array::full(const Shape& shape, real value) {
  Array array(shape);
  std::ranges::fill(array.mutable_values(), value);
  return array;
}

Ids::Ids(const Shape& shape, std::span<const std::int64_t> values)
    : Ids(check_count("Ids", shape, values.size())) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != static_cast<std::int32_t>(values[i]))
      throw ValueError(fmt::format(
          "Ids: the value at position {} is {}, which does not fit 32 bits", i, values[i]));
    mutable_data()[i] = static_cast<std::int32_t>(values[i]);
  }
}

Mask::Mask(const Shape& shape, std::span<const std::uint8_t> keep)
    : Mask(check_count("Mask", shape, keep.size())) {
  std::ranges::transform(keep, mutable_data(),
                         [](std::uint8_t value) { return std::uint8_t(value != 0); });
}

Mask Mask::keep_where_not(const Ids& ids, Index dropped) {
  Mask mask(ids.shape());
  std::ranges::transform(ids.values(), mask.mutable_data(),
                         [=](std::int32_t id) { return std::uint8_t(id != dropped); });
  return mask;
}

Index Mask::kept() const { return std::ranges::count(keep(), std::uint8_t(1)); }

}}  // namespace fovea
