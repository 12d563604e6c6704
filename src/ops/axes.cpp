#include "ops/axes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION::ops {

Rows rows(const char* operation, const Tensor& x, const Axes& axes, bool keepdims) {
  const std::vector<int> reduced = shape::axes(operation, x.shape(), axes.list());
  const Shape result = shape::reduce(x.shape(), reduced, keepdims);
  Index length = 1;
  for (const int axis : reduced) length *= x.shape()[axis];
  std::vector<int> order;
  for (int axis = 0; axis < x.shape().rank(); ++axis)
    if (!std::ranges::binary_search(reduced, axis)) order.push_back(axis);
  order.insert(order.end(), reduced.begin(), reduced.end());
  return {std::ranges::is_sorted(order) ? x : permute(x, order), result.count(), length, result};
}

Index reduced_count(const char* operation, const Shape& x, const Axes& axes) {
  Index count = 1;
  for (const int axis : shape::axes(operation, x, axes.list())) count *= x[axis];
  if (count == 0)
    throw ValueError(fmt::format("{}: over an axis of size 0 of {}, where there is no {}", operation, to_string(x), operation));
  return count;
}

Mask repeated(const Mask& mask, const Shape& shape) {
  if (mask.shape() == shape) return mask;
  const Strides strides = broadcast_strides(mask.shape(), shape);
  Mask full(shape);
  for (Index i = 0; i < full.count(); ++i) {
    Index rest = i, from = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      from += rest % shape[axis] * strides[static_cast<std::size_t>(axis)];
      rest /= shape[axis];
    }
    full.mutable_keep()[static_cast<std::size_t>(i)] = mask.keep()[static_cast<std::size_t>(from)];
  }
  return full;
}

}  // namespace fovea::ops
