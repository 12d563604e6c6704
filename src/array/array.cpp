// Arrays of numbers, of ids and of keep-or-drop.
#include "fovea/array/array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/array/mask.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

template <class T, class Self>
Elements<T, Self>::Elements(const Shape& shape, std::span<const T> values)
    : Elements(check_count(Self::type_name, shape, values.size())) {
  if constexpr (std::is_same_v<Self, Mask>)
    std::ranges::transform(values, own_data(), [](T value) { return T(value != 0); });
  else
    std::ranges::copy(values, own_data());
}

template <class T, class Self>
Elements<T, Self>::Elements(const Shape& shape, const std::vector<Number>& numbers)
    : Elements(check_count(Self::type_name, shape, numbers.size())) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    own_data()[i] = numbers[i].as<T>(Self::type_name, static_cast<Index>(i));
}

template <class T, class Self>
Elements<T, Self> Elements<T, Self>::nested(const NestedNumbers& values) {
  const Shape shape = values.shape(Self::type_name);
  std::vector<Number> numbers;
  values.append_to(numbers);
  return Elements(shape, numbers);
}

template <class T, class Self>
T Elements<T, Self>::at(Index position) const {
  if (position < 0 || position >= count())
    throw IndexError(fmt::format("{}::at: position {} of shape {}, which has {} elements",
                                 Self::type_name, position, to_string(shape_), count()));
  return data()[position];
}

template <class T, class Self>
T Elements<T, Self>::item() const {
  if (count() != 1)
    throw ShapeError(fmt::format("{}::item: shape {} has {} elements; only one has an item",
                                 Self::type_name, to_string(shape_), count()));
  return data()[0];
}

template <class T, class Self>
Self Elements<T, Self>::reshaped(const Shape& shape) const {
  if (shape.count() != count())
    throw ShapeError(fmt::format("{}::reshaped: {} has {} elements, {} has {}", Self::type_name,
                                 to_string(shape_), count(), to_string(shape), shape.count()));
  Self result(static_cast<const Self&>(*this));
  result.shape_ = shape;
  return result;
}

template <class T, class Self>
Self Elements<T, Self>::rows(Index begin, Index end) const {
  if (const Index count = shape_[0]; begin < 0 || begin > end || end > count)
    throw IndexError(fmt::format("{}::rows: [{}, {}) of shape {}, which has {} rows",
                                 Self::type_name, begin, end, to_string(shape_), count));
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
      throw IndexError(fmt::format("{}::rows: row {} of shape {}, which has {} rows",
                                   Self::type_name, position, to_string(shape_), count));
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

Mask Mask::keep_where_not(const Ids& ids, Index dropped) {
  Mask mask(ids.shape());
  std::ranges::transform(ids.values(), mask.mutable_data(),
                         [=](std::int32_t id) { return std::uint8_t(id != dropped); });
  return mask;
}

Index Mask::kept() const { return count() - std::ranges::count(keep(), std::uint8_t(0)); }

}}  // namespace fovea
