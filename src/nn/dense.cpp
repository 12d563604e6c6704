#include "fovea/nn/dense.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea::inline FOVEA_PRECISION {

Tensor activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::linear: return x;
    case Activation::relu: return relu(x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::tanh: return tanh(x);
    case Activation::softmax: return softmax(x);
    case Activation::gelu: return gelu(x);
    case Activation::silu: return silu(x);
    case Activation::elu: return elu(x);
    case Activation::leaky_relu: return leaky_relu(x);
    case Activation::softplus: return softplus(x);
  }
  throw ValueError(fmt::format("Activation: there is none of number {}", static_cast<int>(activation)));
}

Shape Dense::build(const Shape& sample, const Rng& random) {
  if (units < 1) throw ValueError(fmt::format("Dense: units is {}; it must be at least 1", units));
  if (sample.rank() < 1) throw ShapeError("Dense: a sample is a single number; it must be (..., inputs)");
  activate(Tensor(Array::zeros(Shape{0})), activation);  // refuses one that there is not
  if (!weight.defined()) {                               // made last: it says that all are there
    if (use_bias) bias = Tensor::parameter(Array::zeros(Shape{units}));
    weight = Tensor::parameter(init::glorot_uniform(Shape{sample[-1], units}, random.split("weight")));
  }
  if (weight.shape() != Shape{sample[-1], units})
    throw ShapeError(fmt::format("Dense: built for {} inputs and {} units; now a sample is {} and units is {}", weight.shape()[0], weight.shape()[1], to_string(sample), units));
  return sample.with(-1, units);
}

Tensor Dense::linear(const Tensor& x) const {
  check_built("Dense", weight);
  check_features("Dense", "x", x.shape(), weight.shape()[0]);
  const Tensor product = matmul(x, weight);
  return use_bias ? product + bias : product;
}

Tensor Dense::operator()(const Tensor& x, const Context&) const { return activate(linear(x), activation); }

}  // namespace fovea
