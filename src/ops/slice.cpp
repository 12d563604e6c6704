// Parts of arrays, and arrays made of parts. The gradient moves back the same way.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <cstdlib>

#include <limits>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/ops/record_many.hpp"
#include "kernels/permute.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

std::string text(const Range& range) {
  const auto bound = [](const std::optional<Index>& position) {
    return position ? fmt::format("{}", *position) : "";
  };
  return fmt::format("{}:{}:{}", bound(range.begin), bound(range.end), range.step);
}

// x with axis `axis` cut to [begin, end).
Shape slice(const Shape& x, int axis, Index begin, Index end) {
  const Index size = x[shape::axis("slice", x, axis)];
  if (begin < 0 || begin > end || end > size)
    throw IndexError(fmt::format(
        "slice: [{}, {}) of axis {} of {}, whose size is {}; it must be 0 <= begin <= end <= {}",
        begin, end, axis, to_string(x), size, size));
  return x.with(axis, end - begin);
}

// All shapes joined along `axis`; the other sizes are equal.
Shape concat(const std::vector<Shape>& shapes, int axis) {
  if (shapes.empty()) throw ValueError("concat: no tensors are given; give at least one");
  shape::axis("concat", shapes[0], axis);
  Index total = 0;
  for (const Shape& shape : shapes) {
    if (shape.rank() != shapes[0].rank() || shape.with(axis, 0) != shapes[0].with(axis, 0))
      throw ShapeError(fmt::format(
          "concat along axis {}: {} does not fit {}; all sizes but that axis must be equal", axis,
          to_string(shape), to_string(shapes[0])));
    total = added("concat", total, shape[axis]);
  }
  return shapes[0].with(axis, total);
}

// Equal shapes with a new axis at `axis`.
Shape stack(const std::vector<Shape>& shapes, int axis) {
  if (shapes.empty()) throw ValueError("stack: no tensors are given; give at least one");
  for (const Shape& shape : shapes)
    if (shape != shapes[0])
      throw ShapeError(fmt::format("stack: {} does not fit {}; all shapes must be equal",
                                   to_string(shape), to_string(shapes[0])));
  return inserted("stack", shapes[0], axis, static_cast<Index>(shapes.size()));
}

// Refuses sizes that do not add up to the axis', or a number of parts that does not divide it.
void split(const Shape& x, const std::vector<Index>& sizes, int axis) {
  const Index whole = x[shape::axis("split", x, axis)];
  Index total = 0;
  for (const Index size : sizes) {
    if (size < 0)
      throw ValueError(fmt::format("split: a size of ({}) is negative", fmt::join(sizes, ", ")));
    total = added("split", total, size);
  }
  if (total != whole)
    throw ShapeError(fmt::format("split: axis {} of {} has size {}; the parts ({}) have {}", axis,
                                 to_string(x), whole, fmt::join(sizes, ", "), total));
}

void split(const Shape& x, Index parts, int axis) {
  const Index size = x[shape::axis("split", x, axis)];
  if (parts < 1 || size % parts != 0 ||
      parts > std::max<Index>(
                  1, size))  // of nothing there is one part: many would be a list without end
    throw ShapeError(fmt::format("split: axis {} of {} has size {}, which {} parts do not divide",
                                 axis, to_string(x), size, parts));
}

// Which part of an array a slice is: its shape, and for each axis the first position and the step.
struct Cut {
  Shape shape;
  std::array<Index, Shape::max_rank> begin, step;
};

Cut slice(const Shape& x, const std::vector<Range>& ranges) {
  if (static_cast<int>(ranges.size()) > x.rank())
    throw ShapeError(fmt::format("slice: {} ranges for {}, which has {} axes", ranges.size(),
                                 to_string(x), x.rank()));
  Cut cut{x, {}, {}};
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto here = static_cast<std::size_t>(axis);
    const Range range = here < ranges.size() ? ranges[here] : Range{};
    if (range.step == 0)
      throw ValueError(
          fmt::format("slice: the step of {} is 0; use repeat to repeat an element", text(range)));
    const Index size = x[axis];
    const auto resolve = [&](const std::optional<Index>& position, Index otherwise) {
      return !position ? otherwise : *position < 0 ? *position + size : *position;
    };
    const bool forward = range.step > 0;
    const Index begin = resolve(range.begin, forward ? 0 : size - 1),
                end = resolve(range.end, forward ? size : -1);
    const bool backward_fits =
        begin < size && begin >= end && (!range.begin || begin >= 0) && (!range.end || end >= 0);
    if (forward ? begin < 0 || begin > end || end > size : !backward_fits)
      throw IndexError(fmt::format("slice: {} of axis {} of {}, whose size is {}", text(range),
                                   axis, to_string(x), size));
    // The smallest step has no absolute value; the one next to it goes as far.
    const Index length = std::abs(end - begin),
                step = std::abs(std::max(range.step, -std::numeric_limits<Index>::max()));
    cut.shape = cut.shape.with(axis, length == 0 ? 0 : (length - 1) / step + 1);
    cut.begin[here] = begin;
    cut.step[here] =
        length <= step
            ? 1
            : range.step;  // of one element any; a large one would leave the strides' range
  }
  return cut;
}

// x with each axis made longer at both ends.
Shape pad(const Shape& x, const std::vector<PadWidth>& widths) {
  if (static_cast<int>(widths.size()) != x.rank())
    throw ShapeError(fmt::format("pad: {} widths for {}, which has {} axes; each axis needs one",
                                 widths.size(), to_string(x), x.rank()));
  Shape padded = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0)
      throw ValueError(fmt::format("pad: the widths of axis {} are {} and {}; use slice to cut",
                                   axis, before, after));
    padded = padded.with(axis, added("pad", added("pad", before, x[axis]), after));
  }
  return padded;
}

}}  // namespace shape

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
  for (const Tensor& tensor : tensors) longer.push_back(expand_dims(tensor, added));
  return concat(longer, added);
}

Tensor roll(const Tensor& x, Index shift, int axis) {
  const Index size = x.shape()[shape::axis("roll", x.shape(), axis)],
              moved = size == 0 ? 0 : (shift % size + size) % size;
  return concat({slice(x, axis, size - moved, size), slice(x, axis, 0, size - moved)}, axis);
}

}}  // namespace fovea
