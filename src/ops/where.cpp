// c = a where the mask is 1, b elsewhere; da = dc where the mask is 1, 0 elsewhere, and db the
// other way round. Chosen, not multiplied: what is not chosen, NaN included, reaches neither values
// nor gradients.
#include "kernels/where.hpp"

#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "ops/axes.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// An operand as the kernel reads it: one element for all, or as many as the result has.
struct Operand {
  Array values;
  bool one;

  Operand(const Array& array, const Shape& shape) : values(array), one(array.count() == 1) {
    if (one || array.shape() == shape) return;
    values = Array(shape);
    kernels::copy(array.view(), values.mutable_view(), false);
  }

  kernels::Choice choice() const { return {values.data(), one}; }
};

Array chosen(const Mask& mask, const Operand& a, const Operand& b) {
  Array c(mask.shape());
  kernels::where(mask.keep().data(), a.choice(), b.choice(), c.count(), c.mutable_data());
  return c;
}

}  // namespace

Tensor where(const Mask& mask, const Tensor& a, const Tensor& b) {
  const Shape shape =
      shape::broadcast("where", mask.shape(), shape::broadcast("where", a.shape(), b.shape()));
  const Mask full = ops::repeated(mask, shape);
  const Operand zero(Array::zeros({}), shape);
  const auto only = [full, zero](bool where_kept) {
    return [full, zero, where_kept](const Array& dc, Gradient& gradient) {
      const Operand d(dc, dc.shape());
      ops::add_reduced(where_kept ? chosen(full, d, zero) : chosen(full, zero, d), gradient);
    };
  };
  return record("where", chosen(full, Operand(a.value(), shape), Operand(b.value(), shape)),
                wrt(a, only(true)), wrt(b, only(false)));
}

Tensor masked_fill(const Tensor& x, const Mask& mask, real value) {
  shape::mask("masked_fill", x.shape(), mask);
  return where(mask, scalar(value), x);
}

namespace {

// 1 at those (row, column) of the last two axes of x for which kept(column - row).
template <class Kept>
Mask triangle(const char* name, const Shape& x, const Kept& kept) {
  if (x.rank() < 2)
    throw ShapeError(
        fmt::format("{}: x is {}; it must be (..., rows, columns)", name, to_string(x)));
  const Index rows = x[-2], columns = x[-1];
  Mask mask(Shape{rows, columns});
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) mask.mutable_data()[i * columns + j] = kept(j - i);
  return mask;
}

}  // namespace

Tensor tril(const Tensor& x, Index diagonal) {
  return where(triangle("tril", x.shape(), [=](Index to) { return to <= diagonal; }), x, scalar(0));
}

Tensor triu(const Tensor& x, Index diagonal) {
  return where(triangle("triu", x.shape(), [=](Index to) { return to >= diagonal; }), x, scalar(0));
}

}}  // namespace fovea
