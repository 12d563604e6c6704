#include "ops/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION::ops {

Rows rows(const char* operation, const Tensor& x, const Axes& axes, bool keepdims) {
  const shape::AxisSet reduced = shape::axes(operation, x.shape(), axes.list());
  const Shape result = shape::reduce(x.shape(), reduced, keepdims);
  const auto is_reduced = [reduced](int axis) { return reduced[static_cast<std::size_t>(axis)]; };
  Index length = 1;
  bool at_the_end = true;
  for (int axis = 0; axis < x.shape().rank(); ++axis) {
    if (is_reduced(axis)) length *= x.shape()[axis];
    at_the_end = at_the_end && (axis == 0 || is_reduced(axis) || !is_reduced(axis - 1));
  }
  if (at_the_end) return {x, result.count(), length, result};
  std::vector<int> order(static_cast<std::size_t>(x.shape().rank()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_partition(order, std::not_fn(is_reduced));
  return {permute(x, order), result.count(), length, result};
}

Index reduced_count(const char* operation, const Shape& x, const Axes& axes) {
  Index count = 1;
  const shape::AxisSet reduced = shape::axes(operation, x, axes.list());
  for (int axis = 0; axis < x.rank(); ++axis)
    if (reduced[static_cast<std::size_t>(axis)]) count *= x[axis];
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
