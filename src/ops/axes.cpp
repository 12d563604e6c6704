#include "ops/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "fovea/base/error.hpp"
#include "kernels/loop.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

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
  std::stable_partition(order.begin(), order.end(), std::not_fn(is_reduced));
  return {permute_dims(x, order), result.count(), length, result};
}

Index reduced_count(const char* operation, const Shape& x, const Axes& axes) {
  Index count = 1;
  const shape::AxisSet reduced = shape::axes(operation, x, axes.list());
  for (int axis = 0; axis < x.rank(); ++axis)
    if (reduced[static_cast<std::size_t>(axis)]) count *= x[axis];
  if (count == 0)
    throw ValueError(fmt::format("{}: over an axis of size 0 of {}, where there is no {}",
                                 operation, to_string(x), operation));
  return count;
}

Mask repeated(const Mask& mask, const Shape& shape) {
  if (mask.shape() == shape) return mask;
  Mask full(shape);
  if (full.count() == 0) return full;
  const kernels::Loop<2> loop(shape,
                              {broadcast_strides(mask.shape(), shape), dense_strides(shape)});
  const std::uint8_t* const from = mask.keep().data();
  std::uint8_t* const to = full.mutable_keep().data();
  loop.run([&](const auto& at) {
    if (loop.stride(0) == 0)
      std::fill_n(to + at[1], loop.inner(), from[at[0]]);
    else
      std::copy_n(from + at[0], loop.inner(), to + at[1]);
  });
  return full;
}

}}}  // namespace fovea::ops
