// Reductions over axes. sum: dx = dy, repeated. max: dx = dy where x is the maximum, shared among equals.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

Index reduced_count(const char* operation, const Shape& x, const std::vector<int>& axes) {
  Index count = 1;
  for (const int axis : axes) count *= x[axis];
  if (count == 0) throw ValueError(fmt::format("{}: over an axis of size 0 of {}, where there is no {}", operation, to_string(x), operation));
  return count;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  const std::vector<int> reduced = shape::axes("sum", x.shape(), axes.list());
  const Shape kept = shape::reduce(x.shape(), reduced, true);
  const Array y = ops::sum_over(x.value(), reduced, shape::reduce(x.shape(), reduced, keepdims));
  return record("sum", y, wrt(x, [kept](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::copy(dy.reshaped(kept).view(), view, add);
                }));
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  const Index count = reduced_count("mean", x.shape(), shape::axes("mean", x.shape(), axes.list()));
  return sum(x, axes, keepdims) * (real(1) / static_cast<real>(count));
}

// The reduced axes are brought to the end, where they are one axis.
Tensor max(const Tensor& x, const Axes& axes, bool keepdims) {
  const std::vector<int> reduced = shape::axes("max", x.shape(), axes.list());
  const Index length = reduced_count("max", x.shape(), reduced);
  const Shape result = shape::reduce(x.shape(), reduced, keepdims);
  std::vector<int> order;
  for (int axis = 0; axis < x.shape().rank(); ++axis)
    if (std::ranges::find(reduced, axis) == reduced.end()) order.push_back(axis);
  order.insert(order.end(), reduced.begin(), reduced.end());
  const Tensor rows = permute(x, order);

  const kernels::AlongAxis along{result.count(), length, 1};
  Array y(result);
  kernels::maximum(rows.value().data(), along, y.mutable_data());
  return record("max", y, wrt(rows, [x = rows.value(), y, along](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::maximum_slopes(dy.data(), x.data(), y.data(), along, view.data, add);
                }));
}

}  // namespace fovea
