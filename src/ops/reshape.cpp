// Ops that move numbers and compute none. The gradient moves back the same way.
#include <numeric>

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/permute.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

View permuted(const View& x, const std::vector<int>& order, const Shape& shape) {
  View result{x.data, shape, {}};
  for (std::size_t i = 0; i < order.size(); ++i) result.strides[i] = x.strides[static_cast<std::size_t>(x.shape.resolve(order[i]))];
  return result;
}

// The part of a dense array that begins at `begin` along an axis and has the given shape.
View part(const View& whole, int axis, Index begin, const Shape& shape) {
  return {whole.data + begin * whole.strides[static_cast<std::size_t>(whole.shape.resolve(axis))], shape, whole.strides};
}

MutableView part(const MutableView& whole, int axis, Index begin, const Shape& shape) {
  return {whole.data + begin * whole.strides[static_cast<std::size_t>(whole.shape.resolve(axis))], shape, whole.strides};
}

}  // namespace

Tensor reshape(const Tensor& x, const std::vector<Index>& sizes) {
  const Array y = x.value().reshaped(shape::reshape(x.shape(), sizes));
  return record("reshape", y, wrt(x, [](const Array& dy, Gradient& dx) { dx.add(dy.reshaped(dx.shape())); }));
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  Array y(shape::permute(x.shape(), order));
  kernels::copy_strided(permuted(x.value().view(), order, y.shape()), y.mutable_view(), false);
  return record("permute", y, wrt(x, [order](const Array& dy, Gradient& dx) {
                  std::vector<int> back(order.size());
                  for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(dx.shape().resolve(order[i]))] = static_cast<int>(i);
                  const auto [view, add] = dx.dense();
                  kernels::copy_strided(permuted(dy.view(), back, dx.shape()), view, add);
                }));
}

Tensor transpose(const Tensor& x, int axis_a, int axis_b) {
  std::vector<int> order(static_cast<std::size_t>(x.shape().rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(x.shape().resolve(axis_a))], order[static_cast<std::size_t>(x.shape().resolve(axis_b))]);
  return permute(x, order);
}

Tensor slice(const Tensor& x, int axis, Index begin, Index end) {
  Array y(shape::slice(x.shape(), axis, begin, end));
  kernels::copy_strided(part(x.value().view(), axis, begin, y.shape()), y.mutable_view(), false);
  return record("slice", y, wrt(x, [axis, begin](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  if (!add) std::fill_n(view.data, view.shape.count(), real(0));
                  kernels::copy_strided(dy.view(), part(view, axis, begin, dy.shape()), true);
                }));
}

Tensor concat(const std::vector<Tensor>& tensors, int axis) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  Array y(shape::concat(shapes, axis));
  Index begin = 0;
  std::vector<Index> begins;
  for (const Tensor& tensor : tensors) {
    kernels::copy_strided(tensor.value().view(), part(y.mutable_view(), axis, begin, tensor.shape()), false);
    begins.push_back(begin);
    begin += tensor.shape()[axis];
  }
  return record_many("concat", y, tensors, [axis, begins](const Array& dy, std::size_t i, Gradient& dx) {
    const auto [view, add] = dx.dense();
    kernels::copy_strided(part(dy.view(), axis, begins[i], view.shape), view, add);
  });
}

}  // namespace fovea
