#include "fovea/nn/dense.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

Tensor applied(const Dense& dense, const Tensor& x, Activation activation) {
  check_built("Dense", dense.kernel);
  check_features("Dense", "x", x.shape(), dense.kernel.shape()[0]);
  return linear(x, dense.kernel, dense.use_bias ? dense.bias : Tensor(), activation);
}

}  // namespace

Shape Dense::build(const Shape& sample, const Rng& random) {
  if (units < 1) throw ValueError(fmt::format("Dense: units is {}; it must be at least 1", units));
  check_softmax_units("Dense", activation, units);
  if (sample.rank() < 1) throw ShapeError("Dense: a sample is a scalar; it must be (..., inputs)");
  // Rejects an activation that does not exist.
  activate(Tensor(Array::zeros(Shape{0})), activation);
  if (!kernel.defined()) {
    // The largest array comes first, so that the memory cap rejects it before any work. The stream
    // is named "weight", since another name would change what a seed draws.
    const Tensor largest =
        Tensor::parameter(init::glorot_uniform(Shape{sample[-1], units}, random.split("weight")));
    if (use_bias) bias = Tensor::parameter(Array::zeros(Shape{units}));
    kernel = largest;  // last: a kernel says that all parameters exist
  }
  if (kernel.shape() != Shape{sample[-1], units})
    throw ShapeError(
        fmt::format("Dense: built for {} inputs and {} units; now a sample is {} and units is {}",
                    kernel.shape()[0], kernel.shape()[1], to_string(sample), units));
  return sample.with(-1, units);
}

Tensor Dense::linear(const Tensor& x) const { return applied(*this, x, Activation::linear); }

Tensor Dense::operator()(const Tensor& x, const Context&) const {
  return applied(*this, x, activation);
}

}}  // namespace fovea
