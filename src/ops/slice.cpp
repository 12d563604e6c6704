// Parts of arrays, and arrays made of parts. The gradient moves back the same way.
#include <algorithm>

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/ops/record_many.hpp"
#include "kernels/permute.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// A part of a dense array: `whole` is a View or a MutableView.
template <class AnyView>
AnyView part(const AnyView& whole, const shape::Cut& cut) {
  AnyView result{whole.data, cut.shape, {}};
  if (cut.shape.count() == 0) return result;
  for (int axis = 0; axis < cut.shape.rank(); ++axis) {
    const auto here = static_cast<std::size_t>(axis);
    result.data += cut.begin[here] * whole.strides[here];
    result.strides[here] = cut.step[here] * whole.strides[here];
  }
  return result;
}

// The part of the given shape that begins at `begin` along one axis.
shape::Cut cut_along(int axis, Index begin, const Shape& shape) {
  shape::Cut cut{shape, {}, {}};
  cut.begin[static_cast<std::size_t>(shape.resolve(axis))] = begin;
  cut.step.fill(1);
  return cut;
}

Tensor cut_out(const char* operation, const Tensor& x, const shape::Cut& cut) {
  Array y(cut.shape);
  kernels::copy_strided(part(x.value().view(), cut), y.mutable_view(), false);
  return record(operation, y, wrt(x, [cut](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  if (!add) std::fill_n(view.data, view.shape.count(), real(0));
                  kernels::copy_strided(dy.view(), part(view, cut), true);
                }));
}

}  // namespace

Tensor slice(const Tensor& x, int axis, Index begin, Index end) {
  return cut_out("slice", x, cut_along(axis, begin, shape::slice(x.shape(), axis, begin, end)));
}

Tensor slice(const Tensor& x, const std::vector<Range>& ranges) {
  return cut_out("slice", x, shape::slice(x.shape(), ranges));
}

Tensor flip(const Tensor& x, const Axes& axes) {
  std::vector<Range> ranges(static_cast<std::size_t>(x.shape().rank()));
  const shape::AxisSet flipped = shape::axes("flip", x.shape(), axes.list());
  for (std::size_t axis = 0; axis < ranges.size(); ++axis)
    if (flipped[axis]) ranges[axis].step = -1;
  return cut_out("flip", x, shape::slice(x.shape(), ranges));
}

std::vector<Tensor> split(const Tensor& x, const std::vector<Index>& sizes, int axis) {
  shape::split(x.shape(), sizes, axis);
  std::vector<Tensor> parts;
  Index begin = 0;
  for (const Index size : sizes) {
    parts.push_back(slice(x, axis, begin, begin + size));
    begin += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, Index parts, int axis) {
  shape::split(x.shape(), parts, axis);
  return split(x, std::vector<Index>(static_cast<std::size_t>(parts), x.shape()[axis] / parts),
               axis);
}

Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, real value) {
  Array y = Array::full(shape::pad(x.shape(), widths), value);
  shape::Cut middle{x.shape(), {}, {}};
  middle.step.fill(1);
  std::ranges::transform(widths, middle.begin.begin(), &PadWidth::before);
  kernels::copy_strided(x.value().view(), part(y.mutable_view(), middle), false);
  return record("pad", y, wrt(x, [middle](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::copy_strided(part(dy.view(), middle), view, add);
                }));
}

Tensor concat(const std::vector<Tensor>& tensors, int axis) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  Array y(shape::concat(shapes, axis));
  Index begin = 0;
  std::vector<Index> begins;
  for (const Tensor& tensor : tensors) {
    kernels::copy_strided(tensor.value().view(),
                          part(y.mutable_view(), cut_along(axis, begin, tensor.shape())), false);
    begins.push_back(begin);
    begin += tensor.shape()[axis];
  }
  return record_many(
      "concat", y, tensors, [axis, begins](const Array& dy, std::size_t i, Gradient& dx) {
        const auto [view, add] = dx.dense();
        kernels::copy_strided(part(dy.view(), cut_along(axis, begins[i], view.shape)), view, add);
      });
}

Tensor stack(const std::vector<Tensor>& tensors, int axis) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  const int rank = shape::stack(shapes, axis).rank(), added = axis < 0 ? axis + rank : axis;
  std::vector<Tensor> longer;
  for (const Tensor& tensor : tensors) longer.push_back(unsqueeze(tensor, added));
  return concat(longer, added);
}

Tensor roll(const Tensor& x, Index shift, int axis) {
  const Index size = x.shape()[shape::axis("roll", x.shape(), axis)],
              moved = size == 0 ? 0 : (shift % size + size) % size;
  return concat({slice(x, axis, size - moved, size), slice(x, axis, 0, size - moved)}, axis);
}

}}  // namespace fovea
