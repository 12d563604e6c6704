// The same numbers under other axes. The gradient moves back the same way; where numbers were
// repeated, it is their sum.
#include <numeric>

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/permute.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

View permuted(const View& x, const std::vector<int>& order, const Shape& shape) {
  View result{x.data, shape, {}};
  for (std::size_t i = 0; i < order.size(); ++i)
    result.strides[i] = x.strides[static_cast<std::size_t>(x.shape.resolve(order[i]))];
  return result;
}

std::vector<Index> list(const Shape& shape) { return {shape.sizes().begin(), shape.sizes().end()}; }

}  // namespace

Tensor reshape(const Tensor& x, const std::vector<Index>& sizes) {
  const Shape shape = shape::reshape(x.shape(), sizes);
  const Array y = x.value().reshaped(shape);
  return record("reshape", y,
                wrt(x, [](const Array& dy, Gradient& dx) { dx.add(dy.reshaped(dx.shape())); }));
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  Array y(shape::permute(x.shape(), order));
  kernels::copy_strided(permuted(x.value().view(), order, y.shape()), y.mutable_view(), false);
  return record("permute", y, wrt(x, [order](const Array& dy, Gradient& dx) {
                  std::vector<int> back(order.size());
                  for (std::size_t i = 0; i < order.size(); ++i)
                    back[static_cast<std::size_t>(dx.shape().resolve(order[i]))] =
                        static_cast<int>(i);
                  const auto [view, add] = dx.dense();
                  kernels::copy_strided(permuted(dy.view(), back, dx.shape()), view, add);
                }));
}

Tensor transpose(const Tensor& x, int axis_a, int axis_b) {
  std::vector<int> order(static_cast<std::size_t>(x.shape().rank()));
  std::iota(order.begin(), order.end(), 0);
  const auto place = [&](int axis) -> int& {
    return order[static_cast<std::size_t>(shape::axis("transpose", x.shape(), axis))];
  };
  std::swap(place(axis_a), place(axis_b));
  return permute(x, order);
}

Tensor squeeze(const Tensor& x, const Axes& axes) {
  return reshape(x, list(shape::squeeze(x.shape(), axes.list())));
}

Tensor unsqueeze(const Tensor& x, int axis) {
  return reshape(x, list(shape::inserted("unsqueeze", x.shape(), axis, 1)));
}

Tensor broadcast_to(const Tensor& x, const std::vector<Index>& sizes) {
  Array y(shape::broadcast_to(x.shape(), sizes));
  kernels::copy(x.value().view(), y.mutable_view(), false);
  return record("broadcast_to", y, wrt(x, ops::add_reduced));
}

// (before, size, behind) -> (before size, 1, behind), repeated along the axis of size 1.
Tensor repeat(const Tensor& x, Index count, int axis) {
  const Shape shape = shape::repeat(x.shape(), count, axis);
  const auto [before, size, behind] = ops::along(x.shape(), axis);
  return reshape(
      broadcast_to(reshape(x, {before * size, 1, behind}), {before * size, count, behind}),
      list(shape));
}

// For each axis (before, size, behind) -> (before, 1, size behind), repeated along the axis of
// size 1.
Tensor tile(const Tensor& x, const std::vector<Index>& counts) {
  shape::tile(x.shape(), counts);
  Tensor y = reshape(x, list(x.shape()));
  for (int axis = 0; axis < x.shape().rank(); ++axis) {
    const Index count = counts[static_cast<std::size_t>(axis)];
    if (count == 1) continue;
    const auto [before, size, behind] = ops::along(y.shape(), axis);
    y = reshape(
        broadcast_to(reshape(y, {before, 1, size * behind}), {before, count, size * behind}),
        list(y.shape().with(axis, size * count)));
  }
  return y;
}

}}  // namespace fovea
