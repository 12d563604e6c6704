#include "ops/map.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

Tensor map(const char* name, const Tensor& x, const kernels::UnaryKernel& kernel,
           kernels::Scalars scalars) {
  Array y(x.shape());
  kernels::map_values(kernel, x.value().data(), y.mutable_data(), y.count(), scalars);
  const Array& kept = kernel.keeps_output ? y : x.value();
  return record(name, y, wrt(x, [kernel, scalars, kept](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::map_slopes(kernel, dy.data(), kept.data(), view.data, dy.count(), add,
                                      scalars);
                }));
}

Array result_of(const char* name, const Shape& a, const Shape& b) {
  return a == b ? Array(a) : Array(shape::broadcast(name, a, b));
}

void zip_into(const kernels::BinaryKernel& kernel, const Array& a, const Array& b, Array& c) {
  if (a.shape() == c.shape() && b.shape() == c.shape())
    kernels::zip_dense(kernel, a.data(), b.data(), c.mutable_data(), c.count());
  else
    kernels::zip_values(kernel, a.view(), b.view(), c.mutable_view());
}

Tensor zip(const char* name, const Tensor& a, const Tensor& b,
           const kernels::BinaryKernel& kernel) {
  Array c = result_of(name, a.shape(), b.shape());
  zip_into(kernel, a.value(), b.value(), c);
  const auto rule = [&](auto slopes) {
    return [slopes, a = a.value(), b = b.value()](const Array& dc, Gradient& gradient) {
      Array d(dc.shape());
      kernels::zip_slopes(slopes, dc.view(), a.view(), b.view(), d.mutable_view());
      add_reduced(d, gradient);
    };
  };
  return record(name, std::move(c), wrt(a, rule(kernel.slopes_a)), wrt(b, rule(kernel.slopes_b)));
}

void add_reduced(const Array& d, Gradient& gradient) {
  const Shape& own = gradient.shape();
  if (d.shape() == own) return gradient.add(d);
  const int missing = d.shape().rank() - own.rank();
  shape::AxisSet repeated;
  for (int axis = 0; axis < d.shape().rank(); ++axis)
    repeated[static_cast<std::size_t>(axis)] =
        axis < missing || (own[axis - missing] == 1 && d.shape()[axis] != 1);
  gradient.add(sum_over(d, repeated, own));
}

kernels::AlongAxis along(const Shape& x, int axis) {
  const int named = x.resolve(axis);
  kernels::AlongAxis result{1, x[named], 1};
  for (int i = 0; i < x.rank(); ++i)
    if (i != named) (i < named ? result.outer : result.inner) *= x[i];
  return result;
}

Array sum_over(const Array& x, shape::AxisSet axes, const Shape& shape) {
  Array left = x;
  Shape sizes = x.shape();
  const auto summed = [axes](int axis) {
    return axis >= 0 && axes[static_cast<std::size_t>(axis)];
  };
  // Neighbouring axes are summed in one go, the last ones first.
  for (int last = sizes.rank() - 1; last >= 0; --last) {
    if (!summed(last)) continue;
    int first = last;
    while (summed(first - 1)) --first;
    kernels::AlongAxis along{1, 1, 1};
    for (int axis = 0; axis < sizes.rank(); ++axis)
      (axis < first ? along.outer : axis <= last ? along.length : along.inner) *= sizes[axis];
    for (int axis = first; axis <= last; ++axis) sizes = sizes.with(axis, 1);
    Array sums(sizes);
    kernels::sum(left.data(), along, sums.mutable_data(), false);
    left = sums;
    last = first;
  }
  return left.reshaped(shape);
}

}}}  // namespace fovea::ops
