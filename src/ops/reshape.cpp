// The same numbers under other axes. The gradient moves back the same way; where numbers were
// repeated, it is their sum.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include <algorithm>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/permute.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// The size may be -1 for one axis: whatever is left.
Shape reshape(const Shape& x, std::vector<Index> sizes) {
  const auto open = std::ranges::find(sizes, Index(-1));
  if (open != sizes.end()) {
    const std::vector<Index> named = sizes;
    *open = 1;
    if (std::ranges::find(sizes, Index(-1)) != sizes.end())
      throw ShapeError(
          fmt::format("reshape: more than one size of ({}) is -1", fmt::join(named, ", ")));
    const Index others = Shape(sizes).count();
    if (others == 0 || x.count() % others != 0)
      throw ShapeError(
          fmt::format("reshape: {} has {} elements, which the other sizes of ({}) do not divide",
                      to_string(x), x.count(), fmt::join(named, ", ")));
    *open = x.count() / others;
  }
  const Shape result(sizes);
  if (result.count() != x.count())
    throw ShapeError(
        fmt::format("reshape: {} has {} elements, {} has {}; the numbers must be equal",
                    to_string(x), x.count(), to_string(result), result.count()));
  return result;
}

// Axis i of the result is axis order[i] of x.
Shape permute_dims(const Shape& x, const std::vector<int>& order) {
  if (static_cast<int>(order.size()) != x.rank() ||
      axes("permute_dims", x, order).count() != order.size())
    throw ShapeError(
        fmt::format("permute_dims: the order ({}) must name each of the {} axes of {} once",
                    fmt::join(order, ", "), x.rank(), to_string(x)));
  std::vector<Index> sizes;
  for (const int axis : order) sizes.push_back(x[axis]);
  return Shape(sizes);
}

// x without the named axes, whose sizes are 1; without all of size 1 when none is named.
Shape squeeze(const Shape& x, const std::vector<int>& named) {
  AxisSet gone = axes("squeeze", x, named);
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)] || x[axis] == 1) continue;
    if (!named.empty())
      throw ShapeError(
          fmt::format("squeeze: axis {} of {} has size {}; only an axis of size 1 can be removed",
                      axis, to_string(x), x[axis]));
    gone.reset(static_cast<std::size_t>(axis));
  }
  return reduce(x, gone, false);
}

// The sizes as a shape that x broadcasts to.
Shape broadcast_to(const Shape& x, const std::vector<Index>& sizes) {
  const Shape target(sizes);
  if (!broadcasts(x, target))
    throw ShapeError(
        fmt::format("broadcast_to: {} does not broadcast to {}: aligned at the last axis, each "
                    "size must be equal or 1",
                    to_string(x), to_string(target)));
  return target;
}

Shape tile(const Shape& x, const std::vector<Index>& counts) {
  if (static_cast<int>(counts.size()) != x.rank())
    throw ShapeError(fmt::format("tile: {} counts for {}, which has {} axes; each axis needs one",
                                 counts.size(), to_string(x), x.rank()));
  Shape tiled = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const Index count = counts[static_cast<std::size_t>(axis)];
    if (count < 0)
      throw ValueError(fmt::format("tile: a count of ({}) is negative", fmt::join(counts, ", ")));
    tiled = tiled.with(axis, multiplied("tile", x[axis], count));
  }
  return tiled;
}

// An axis, or each, so many times as long.
Shape repeat(const Shape& x, Index count, int axis) {
  const int named = shape::axis("repeat", x, axis);
  if (count < 0)
    throw ValueError(fmt::format("repeat: the count is {}; it must be at least 0", count));
  return x.with(named, multiplied("repeat", x[named], count));
}

}}  // namespace shape

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

Tensor permute_dims(const Tensor& x, const std::vector<int>& order) {
  Array y(shape::permute_dims(x.shape(), order));
  kernels::copy_strided(permuted(x.value().view(), order, y.shape()), y.mutable_view(), false);
  return record("permute_dims", y, wrt(x, [order](const Array& dy, Gradient& dx) {
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
  return permute_dims(x, order);
}

Tensor squeeze(const Tensor& x, const Axes& axes) {
  return reshape(x, list(shape::squeeze(x.shape(), axes.list())));
}

Tensor expand_dims(const Tensor& x, int axis) {
  return reshape(x, list(shape::inserted("expand_dims", x.shape(), axis, 1)));
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
