#include "fovea/nn/dropout.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Shape Dropout::build(const Shape& sample, const Rng& random) {
  if (!(rate >= 0 && rate <= 1))
    throw ValueError(fmt::format("Dropout: the rate is {}; it must be 0 to 1", rate));
  if (!stream) stream = stream_of(random);
  return sample;
}

Tensor Dropout::operator()(const Tensor& x, const Context& context) const {
  if (!context.training || rate == 0) return x;
  const Index sample =
      x.shape().rank() == 0 || x.shape()[0] == 0 ? 1 : x.shape().count() / x.shape()[0];
  return dropout(x, rate, drops("Dropout", context, stream), context.first_sample * sample);
}

Tensor DropMask::operator()(const Tensor& x, const Context&) const { return x; }

}}  // namespace fovea
