// y = x / (1 - rate) where kept, 0 elsewhere; dx = dy / (1 - rate) where kept. Which elements are
// kept is a function of their position, so nothing is stored: the backward rule draws the same
// numbers again.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/dropout.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor dropout(const Tensor& x, real rate, const Rng& random, Index first) {
  if (!(rate >= 0 && rate <= 1))
    throw ValueError(fmt::format("dropout: the rate is {}; it must be 0 to 1", rate));
  Array y(x.shape());
  kernels::dropout(x.value().data(), {rate, random, first}, y.count(), y.mutable_data(), false);
  return record("dropout", y, wrt(x, [rate, random, first](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::dropout(dy.data(), {rate, random, first}, dy.count(), view.data, add);
                }));
}

}}  // namespace fovea
