// y = e^x / sum e^x:        dx = y (dy - sum y dy)
// y = x - log sum e^x:      dx = dy - e^y sum dy
#include "kernels/softmax.hpp"

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/axes.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The mask repeated to x's shape.
std::optional<Mask> full_mask(const char* operation, const Shape& x,
                              const std::optional<Mask>& mask) {
  if (!mask) return mask;
  shape::mask(operation, x, *mask);
  return ops::repeated(*mask, x);
}

}  // namespace

Tensor softmax(const Tensor& x, int axis, const std::optional<Mask>& mask) {
  const kernels::AlongAxis rows = ops::along(x.shape(), shape::axis("softmax", x.shape(), axis));
  const std::optional<Mask> keep = full_mask("softmax", x.shape(), mask);
  Array y(x.shape());
  kernels::softmax(x.value().data(), ops::bytes(keep), rows, y.mutable_data());
  return record("softmax", y, wrt(x, [y, keep, rows](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::softmax_slopes(dy.data(), y.data(), ops::bytes(keep), rows, view.data,
                                          add);
                }));
}

Tensor log_softmax(const Tensor& x, int axis, const std::optional<Mask>& mask) {
  const kernels::AlongAxis rows =
      ops::along(x.shape(), shape::axis("log_softmax", x.shape(), axis));
  const std::optional<Mask> keep = full_mask("log_softmax", x.shape(), mask);
  Array y(x.shape());
  kernels::log_softmax(x.value().data(), ops::bytes(keep), rows, y.mutable_data());
  return record("log_softmax", y, wrt(x, [y, keep, rows](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::log_softmax_slopes(dy.data(), y.data(), ops::bytes(keep), rows,
                                              view.data, add);
                }));
}

}}  // namespace fovea
