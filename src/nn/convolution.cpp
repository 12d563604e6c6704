#include "fovea/nn/convolution.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"
#include "nn/result_shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Makes kernel and bias if there are none, and rejects those of another size.
template <class Module>
void build_kernel(const char* name, Module& module, const Shape& expected, const Rng& random) {
  if (module.filters < 1)
    throw ValueError(fmt::format("{}: filters is {}; it must be at least 1", name, module.filters));
  check_softmax_units(name, module.activation, module.filters);
  for (const Index size : expected.sizes().first(expected.sizes().size() - 2))
    if (size < 1)
      throw ValueError(fmt::format("{}: a window size is {}; it must be at least 1", name, size));
  if (!module.kernel.defined()) {  // made last: a kernel says that all parameters exist
    if (module.use_bias) module.bias = Tensor::parameter(Array::zeros(Shape{module.filters}));
    module.kernel = Tensor::parameter(init::glorot_uniform(expected, random.split("kernel")));
  }
  if (module.kernel.shape() != expected)
    throw ShapeError(fmt::format("{}: built for a kernel {}; the sample and the options ask for {}",
                                 name, to_string(module.kernel.shape()), to_string(expected)));
}

}  // namespace

Shape Conv1D::build(const Shape& sample, const Rng& random) {
  check_windowed("Conv1D", sample, 2);
  build_kernel("Conv1D", *this, Shape{kernel_size, sample[1], filters}, random);
  return result_shape(*this, sample);
}

Tensor Conv1D::linear(const Tensor& x) const {
  check_built("Conv1D", kernel);
  const Tensor y = conv1d(x, kernel, options);
  return use_bias ? y + bias : y;
}

Tensor Conv1D::operator()(const Tensor& x, const Context&) const {
  return activate(linear(x), activation);
}

Shape Conv2D::build(const Shape& sample, const Rng& random) {
  check_windowed("Conv2D", sample, 3);
  build_kernel("Conv2D", *this, Shape{kernel_size[0], kernel_size[1], sample[2], filters}, random);
  return result_shape(*this, sample);
}

Tensor Conv2D::linear(const Tensor& x) const {
  check_built("Conv2D", kernel);
  const Tensor y = conv2d(x, kernel, options);
  return use_bias ? y + bias : y;
}

Tensor Conv2D::operator()(const Tensor& x, const Context&) const {
  return activate(linear(x), activation);
}

}}  // namespace fovea
