// c = a where the mask is 1, b elsewhere; da = dc where the mask is 1, 0 elsewhere, and db the
// other way round. Chosen, not multiplied: what is not chosen, NaN included, reaches neither values
// nor gradients.
#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/elementwise.hpp"
#include "ops/axes.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// One number repeated, or as many as the result has.
struct Operand {
  Array values;
  Index stride;

  Operand(const Array& array, const Shape& shape)
      : values(array), stride(array.count() == 1 ? 0 : 1) {
    if (stride == 0 || array.shape() == shape) return;
    values = Array(shape);
    kernels::copy(array.view(), values.mutable_view(), false);
  }
};

Array chosen(const Mask& mask, const Operand& a, const Operand& b) {
  Array c(mask.shape());
  const std::uint8_t* const keep = mask.keep().data();
  const real *const from_a = a.values.data(), *const from_b = b.values.data();
  real* const to = c.mutable_data();
  const auto choose = [&](auto at_a, auto at_b) {
    parallel::for_range(c.count(), parallel::worth_a_task, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const real one = from_a[at_a(i)], other = from_b[at_b(i)];
        to[i] = keep[i] != 0 ? one : other;
      }
    });
  };
  constexpr auto each = [](Index i) { return i; };
  constexpr auto first = [](Index) { return 0; };
  if (a.stride == 0 && b.stride == 0)
    choose(first, first);
  else if (a.stride == 0)
    choose(first, each);
  else if (b.stride == 0)
    choose(each, first);
  else
    choose(each, each);
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

}}  // namespace fovea
