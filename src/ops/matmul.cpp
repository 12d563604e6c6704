// C = A' B', where A' is A or its transpose. With dC given, dA' = dC B'ᵀ and dB' = A'ᵀ dC.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/gemm.hpp"
#include "ops/map.hpp"
#include "ops/product.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// (..., rows, inner) (..., inner, columns) -> (..., rows, columns); a transposed operand counts
// with its last axes exchanged, a vector is one row or one column, which the result does not have.
Shape matmul(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  if (a.rank() < 1 || b.rank() < 1)
    throw ShapeError(
        fmt::format("matmul: a is {}, b is {}; both need at least one axis (for a scalar use *)",
                    to_string(a), to_string(b)));
  const bool matrix_a = a.rank() > 1, matrix_b = b.rank() > 1;
  const bool first_a = matrix_a && transpose_a,
             first_b =
                 matrix_b && !transpose_b;  // whether the second-to-last axis is the inner one
  if (a[first_a ? -2 : -1] != b[first_b ? -2 : -1])
    throw ShapeError(fmt::format(
        "matmul: inner sizes differ: a is {}{}, b is {}{}; the {} size of a must equal the {} of b",
        to_string(a), first_a ? " transposed" : "", to_string(b),
        matrix_b && transpose_b ? " transposed" : "", first_a ? "second-to-last" : "last",
        first_b ? "second-to-last" : "last"));
  const auto batch = [](const Shape& s) {
    return s.rank() < 2 ? Shape() : Shape(s.sizes().first(s.sizes().size() - 2));
  };
  Shape result = broadcast("matmul, leading axes", batch(a), batch(b));
  if (matrix_a) result = result.inserted(result.rank(), a[transpose_a ? -1 : -2]);
  if (matrix_b) result = result.inserted(result.rank(), b[transpose_b ? -2 : -1]);
  return result;
}

}}  // namespace shape

namespace {

View with_leading_axes(const View& matrix, const Shape& result) {
  const int rank = matrix.shape.rank();
  Shape target = result.with(-1, matrix.shape[-1]).with(-2, matrix.shape[-2]);
  return rank == target.rank() && matrix.shape == target ? matrix : broadcast_to(matrix, target);
}

// gradient += a b, where the product has all leading axes of the result; summed over those along
// which the operand was repeated.
void add_product(const View& a, const View& b, const Shape& result, Gradient& gradient) {
  const Shape full = result.with(-2, a.shape[-2]).with(-1, b.shape[-1]);
  const View left = with_leading_axes(a, result), right = with_leading_axes(b, result);
  if (full == gradient.shape()) {
    ops::add_product(left, right, full, gradient);
  } else {
    Array product(full);
    kernels::gemm(left, right, product.mutable_view(), false);
    ops::add_reduced(product, gradient);
  }
}

View oriented(const Array& array, bool transpose) {
  return transpose ? transposed(array.view()) : array.view();
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options) {
  const bool transpose_a = options.transpose_a, transpose_b = options.transpose_b;
  const Shape shape = shape::matmul(a.shape(), b.shape(), transpose_a, transpose_b);
  const std::vector<Index> sizes(shape.sizes().begin(), shape.sizes().end());
  if (a.shape().rank() == 1)
    return reshape(matmul(reshape(a, {1, a.shape()[0]}),
                          b.shape().rank() == 1 ? reshape(b, {b.shape()[0], 1}) : b,
                          {false, b.shape().rank() > 1 && transpose_b}),
                   sizes);
  if (b.shape().rank() == 1)
    return reshape(matmul(a, reshape(b, {b.shape()[0], 1}), {transpose_a, false}), sizes);
  // Many rows times one matrix: all leading axes of a are rows of a single product, and dB is one
  // product as well.
  if (a.shape().rank() > 2 && b.shape().rank() == 2 && !transpose_a)
    return reshape(matmul(reshape(a, {a.shape().with(-1, 1).count(), a.shape()[-1]}), b, options),
                   sizes);

  Array c(shape);
  kernels::gemm(with_leading_axes(oriented(a.value(), transpose_a), shape),
                with_leading_axes(oriented(b.value(), transpose_b), shape), c.mutable_view(),
                false);
  return record("matmul", c,
                wrt(a,
                    [b = b.value(), transpose_a, transpose_b](const Array& dc, Gradient& da) {
                      if (transpose_a)
                        add_product(oriented(b, transpose_b), transposed(dc.view()), dc.shape(),
                                    da);
                      else
                        add_product(dc.view(), oriented(b, !transpose_b), dc.shape(), da);
                    }),
                wrt(b, [a = a.value(), transpose_a, transpose_b](const Array& dc, Gradient& db) {
                  if (transpose_b)
                    add_product(transposed(dc.view()), oriented(a, transpose_a), dc.shape(), db);
                  else
                    add_product(oriented(a, !transpose_a), dc.view(), dc.shape(), db);
                }));
}

}}  // namespace fovea
