// y = f(x W + b).  With dz = dy f'(y):   dx = dz Wᵀ   dW = xᵀ dz   db = the sum of dz over rows
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/ahead.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"
#include "ops/product.hpp"
#include "ops/shape_rules.hpp"
#include "ops/unary.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// x (..., inputs), weight (inputs, units), bias (units) or null -> (..., units)
Shape linear(const Shape& x, const Shape& weight, const Shape* bias) {
  if (x.rank() < 1) throw ShapeError("linear: x is a scalar; it must be (..., inputs)");
  if (weight.rank() != 2 || weight[0] != x[-1])
    throw ShapeError(fmt::format("linear: x is {}, weight {}; the weight must be ({}, units)",
                                 to_string(x), to_string(weight), x[-1]));
  if (bias && *bias != Shape{weight[1]})
    throw ShapeError(
        fmt::format("linear: weight is {}, bias {}; the bias must be ({},), or omitted",
                    to_string(weight), to_string(*bias), weight[1]));
  return x.with(-1, weight[1]);
}

}}  // namespace shape

namespace {

Tensor (*function(Activation activation))(const Tensor&) {
  switch (activation) {
    case Activation::linear:
      return [](const Tensor& x) { return x; };
    case Activation::relu:
      return relu;
    case Activation::sigmoid:
      return sigmoid;
    case Activation::tanh:
      return tanh;
    case Activation::softmax:
      return [](const Tensor& x) { return softmax(x); };
    case Activation::gelu:
      return gelu;
    case Activation::silu:
      return silu;
    case Activation::elu:
      return [](const Tensor& x) { return elu(x); };
    case Activation::leaky_relu:
      return [](const Tensor& x) { return leaky_relu(x); };
    case Activation::softplus:
      return softplus;
  }
  throw ValueError(
      fmt::format("Activation: there is none with the value {}", static_cast<int>(activation)));
}

Index rows_of(const Shape& shape) { return shape.with(-1, 1).count(); }

// All leading axes as rows.
template <class Number>
ViewOf<Number> matrix(Number* data, const Shape& shape) {
  return {data, Shape{rows_of(shape), shape[-1]}, {shape[-1], 1}};
}

void add_column_sums(const Array& dz, Gradient& dbias) {
  Array db(dbias.shape());
  kernels::sum(dz.data(), {1, rows_of(dz.shape()), dz.shape()[-1]}, db.mutable_data(), false);
  dbias.add(db);
}

// dz, and db in the same visit to each row where it is wanted.
Array slopes(const kernels::UnaryKernel& kernel, const Array& dy, const Array& y, Gradient* dbias) {
  Array dz(dy.shape());
  real* const to = dz.mutable_data();
  if (!dbias) {
    kernels::map_slopes(kernel, dy.data(), y.data(), to, dy.count(), false, {});
    return dz;
  }
  Array db(dbias->shape());
  const Index units = dy.shape()[-1];
  const auto make = [&](Index first, Index count) {
    const Index from = first * units;
    kernel.slopes(dy.data() + from, y.data() + from, to + from, count * units,
                  kernels::left_to_ask_for(dy.count(), from), false, {});
  };
  kernels::sum_as_made(make, to, rows_of(dy.shape()), units, db.mutable_data());
  dbias->add(db);
  return dz;
}

void add_product(const View& a, const View& b, Gradient& gradient) {
  ops::add_product(a, b, Shape{a.shape[0], b.shape[1]}, gradient);
}

}  // namespace

Tensor activate(const Tensor& x, Activation activation) { return function(activation)(x); }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  const Shape shape =
      shape::linear(x.shape(), weight.shape(), bias.defined() ? &bias.shape() : nullptr);
  const auto after = function(activation);
  const std::optional<kernels::UnaryKernel> kernel = ops::kernel_of(activation);
  if (!kernel && activation != Activation::linear) return after(linear(x, weight, bias));

  Array y(shape);
  kernels::gemm(matrix(x.value().data(), x.shape()), weight.value().view(),
                matrix(y.mutable_data(), shape), false);
  kernels::add_row_and_map(kernel ? &*kernel : nullptr,
                           bias.defined() ? bias.value().data() : nullptr, y.mutable_data(),
                           rows_of(shape), shape[-1]);
  return record(
      "linear", y,
      wrt({x, weight, bias},
          [kernel, x = weight.requires_grad() ? x.value() : Array(),
           weight = x.requires_grad() ? weight.value() : Array(), y = kernel ? y : Array()](
              const Array& dy, Gradient* dx, Gradient* dweight, Gradient* dbias) {
            const Array dz = kernel ? slopes(*kernel, dy, y, dbias) : dy;
            if (dbias && !kernel) add_column_sums(dz, *dbias);
            const View rows = matrix(dz.data(), dz.shape());
            if (dx) add_product(rows, transposed(weight.view()), *dx);
            if (dweight) add_product(transposed(matrix(x.data(), x.shape())), rows, *dweight);
          }));
}

}}  // namespace fovea
