// Reductions over axes.
// sum: dx = dy, repeated.                            max, min: dx = dy where x is the extreme,
// shared among equals; NaN where that is NaN. prod: dx = dy times the product of the others.
// logsumexp: dx = dy e^(x - y).
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"
#include "kernels/scan.hpp"
#include "kernels/softmax.hpp"
#include "ops/axes.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"
#include "ops/unary.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor sum(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  const shape::AxisSet reduced = shape::axes("sum", x.shape(), axes.list());
  const Shape kept = shape::reduce(x.shape(), reduced, true);
  const Array y = ops::sum_over(x.value(), reduced, shape::reduce(x.shape(), reduced, keepdims));
  return record("sum", y, wrt(x, [kept](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::copy(dy.reshaped(kept).view(), view, add);
                }));
}

Tensor mean(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  const Index count = ops::reduced_count("mean", x.shape(), axes);
  return sum(x, axes, keepdims) / static_cast<real>(count);
}

namespace {

// The mean is a constant here: since the deviations sum to 0, what flows through it is 0. It is
// taken off in two parts, rounded and the rest, so that deviations are right beside a large mean,
// and those of equal numbers 0.
Tensor variance(const char* name, const Tensor& x, const Axes& axes, KeepDims keepdims,
                VarOptions options) {
  const Index count = ops::reduced_count(name, x.shape(), axes);
  if (options.unbiased && count == 1)
    throw ValueError(fmt::format("{}: unbiased, over a single element of {}; it needs two", name,
                                 to_string(x.shape())));
  const Tensor near = x - mean(x.detach(), axes, true),
               deviations = near - mean(near.detach(), axes, true);
  return sum(square(deviations), axes, keepdims) /
         static_cast<real>(options.unbiased ? count - 1 : count);
}

}  // namespace

Tensor var(const Tensor& x, const Axes& axes, KeepDims keepdims, VarOptions options) {
  return variance("var", x, axes, keepdims, options);
}
Tensor std(const Tensor& x, const Axes& axes, KeepDims keepdims, VarOptions options) {
  return ops::root_of_squares("std", variance("std", x, axes, keepdims, options));
}

namespace {

Tensor extreme(const char* name, decltype(kernels::maximum) kernel, const Tensor& x,
               const Axes& axes, KeepDims keepdims) {
  ops::reduced_count(name, x.shape(), axes);
  const ops::Rows rows = ops::rows(name, x, axes, keepdims);
  Array y(rows.result);
  kernel(rows.x.value().data(), rows.along(), y.mutable_data());
  return record(
      name, y,
      wrt(rows.x, [x = rows.x.value(), y, along = rows.along()](const Array& dy, Gradient& dx) {
        const auto [view, add] = dx.dense();
        kernels::extreme_slopes(dy.data(), x.data(), y.data(), along, view.data, add);
      }));
}

}  // namespace

Tensor max(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  return extreme("max", kernels::maximum, x, axes, keepdims);
}
Tensor min(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  return extreme("min", kernels::minimum, x, axes, keepdims);
}

Tensor prod(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  const ops::Rows rows = ops::rows("prod", x, axes, keepdims);
  Array y(rows.result);
  kernels::product(rows.x.value().data(), rows.count, rows.length, y.mutable_data());
  return record("prod", y,
                wrt(rows.x, [x = rows.x.value(), count = rows.count, length = rows.length](
                                const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::product_slopes(dy.data(), x.data(), count, length, view.data, add);
                }));
}

Tensor logsumexp(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  const ops::Rows rows = ops::rows("logsumexp", x, axes, keepdims);
  Array y(rows.result);
  kernels::log_sum_exp(rows.x.value().data(), rows.count, rows.length, y.mutable_data());
  return record("logsumexp", y,
                wrt(rows.x, [x = rows.x.value(), y, count = rows.count, length = rows.length](
                                const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::log_sum_exp_slopes(dy.data(), x.data(), y.data(), count, length,
                                              view.data, add);
                }));
}

}}  // namespace fovea
