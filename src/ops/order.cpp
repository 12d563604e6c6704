// Which elements are largest or smallest, their order, and running sums and products. What is
// chosen gets the gradient, and NaN where it is NaN; positions have none.
#include <fmt/format.h>

#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/order.hpp"
#include "kernels/scan.hpp"
#include "ops/axes.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"
#include "ops/unary.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// (..., n) -> (..., k)
Shape top_k(const Shape& x, Index k) {
  const Index size = x[axis("top_k", x, -1)];
  if (k < 0 || k > size)
    throw ValueError(
        fmt::format("top_k: k is {}; the last axis of {} has {} elements; k must be 0 to {}", k,
                    to_string(x), size, size));
  return x.with(-1, k);
}

}}  // namespace shape

namespace {

Ids position(const char* operation, decltype(kernels::largest_position) kernel, const Tensor& x,
             int axis) {
  axis = shape::axis(operation, x.shape(), axis);
  ops::reduced_count(operation, x.shape(), axis);
  const Shape shape = x.shape().without(axis);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(shape.count()));
  kernel(x.value().data(), ops::along(x.shape(), axis), ids.data());
  return Ids(shape, ids);
}

}  // namespace

Ids argmax(const Tensor& x, int axis) {
  return position("argmax", kernels::largest_position, x, axis);
}
Ids argmin(const Tensor& x, int axis) {
  return position("argmin", kernels::smallest_position, x, axis);
}

TopK top_k(const Tensor& x, Index k) {
  const Shape shape = shape::top_k(x.shape(), k);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(shape.count()));
  kernels::largest_positions(x.value().data(), x.shape().without(-1).count(), x.shape()[-1], k,
                             positions.data());
  const Ids ids(shape, positions);
  return {ops::chosen("top_k", take_along_axis(x, ids)), ids};
}

Ids argsort(const Tensor& x, int axis) {
  const kernels::AlongAxis along = ops::along(x.shape(), shape::axis("argsort", x.shape(), axis));
  std::vector<std::int32_t> positions(static_cast<std::size_t>(x.shape().count()));
  kernels::ascending_positions(x.value().data(), along, positions.data());
  return Ids(x.shape(), positions);
}

Tensor sort(const Tensor& x, int axis) {
  const int named = shape::axis("sort", x.shape(), axis);
  return ops::chosen("sort", take_along_axis(x, argsort(x, named), named));
}

// dx[i] = the sum of dy from i on.
Tensor cumsum(const Tensor& x, int axis) {
  const kernels::AlongAxis along = ops::along(x.shape(), shape::axis("cumsum", x.shape(), axis));
  Array y(x.shape());
  kernels::cumulative_sum(x.value().data(), along, false, y.mutable_data(), false);
  return record("cumsum", y, wrt(x, [along](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::cumulative_sum(dy.data(), along, true, view.data, add);
                }));
}

Tensor cumprod(const Tensor& x, int axis) {
  const kernels::AlongAxis along = ops::along(x.shape(), shape::axis("cumprod", x.shape(), axis));
  Array y(x.shape());
  kernels::cumulative_product(x.value().data(), along, y.mutable_data());
  return record("cumprod", y, wrt(x, [along, x = x.value(), y](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::cumulative_product_slopes(dy.data(), x.data(), y.data(), along,
                                                     view.data, add);
                }));
}

Tensor diff(const Tensor& x, Index n, int axis) {
  const int named = shape::axis("diff", x.shape(), axis);
  if (n < 0) throw ValueError(fmt::format("diff: n is {}; it must be at least 0", n));
  Tensor y = slice(x, named, 0, x.shape()[named]);
  for (Index size = y.shape()[named]; n > 0 && size > 0; --n, --size)
    y = slice(y, named, 1, size) - slice(y, named, 0, size - 1);
  return y;
}

}}  // namespace fovea
