// y = e^x / sum e^x:        dx = y (dy - sum y dy)
// y = x - log sum e^x:      dx = dy - e^y sum dy
#include "kernels/softmax.hpp"

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

kernels::AlongAxis along(const Shape& x, int axis) {
  const int named = x.resolve(axis);
  kernels::AlongAxis result{1, x[named], 1};
  for (int i = 0; i < x.rank(); ++i)
    if (i != named) (i < named ? result.outer : result.inner) *= x[i];
  return result;
}

// The mask repeated to x's shape: kernels read one byte for each element.
std::optional<Mask> full_mask(const char* operation, const Shape& x, const std::optional<Mask>& mask) {
  if (!mask) return mask;
  shape::mask(operation, x, *mask);
  if (mask->shape() == x) return mask;
  const Strides strides = broadcast_strides(mask->shape(), x);
  Mask full(x);
  for (Index i = 0; i < full.count(); ++i) {
    Index rest = i, from = 0;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      from += rest % x[axis] * strides[static_cast<std::size_t>(axis)];
      rest /= x[axis];
    }
    full.mutable_keep()[static_cast<std::size_t>(i)] = mask->keep()[static_cast<std::size_t>(from)];
  }
  return full;
}

const std::uint8_t* bytes(const std::optional<Mask>& mask) { return mask ? mask->keep().data() : nullptr; }

}  // namespace

Tensor softmax(const Tensor& x, int axis, const std::optional<Mask>& mask) {
  const kernels::AlongAxis rows = along(x.shape(), axis);
  const std::optional<Mask> keep = full_mask("softmax", x.shape(), mask);
  Array y(x.shape());
  kernels::softmax(x.value().data(), bytes(keep), rows, y.mutable_data());
  return record("softmax", y, wrt(x, [y, keep, rows](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::softmax_slopes(dy.data(), y.data(), bytes(keep), rows, view.data, add);
                }));
}

Tensor log_softmax(const Tensor& x, int axis, const std::optional<Mask>& mask) {
  const kernels::AlongAxis rows = along(x.shape(), axis);
  const std::optional<Mask> keep = full_mask("log_softmax", x.shape(), mask);
  Array y(x.shape());
  kernels::log_softmax(x.value().data(), bytes(keep), rows, y.mutable_data());
  return record("log_softmax", y, wrt(x, [y, keep, rows](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::log_softmax_slopes(dy.data(), y.data(), bytes(keep), rows, view.data, add);
                }));
}

}  // namespace fovea
