// The shape of a module's result for one sample, where the op knows the shape. The module is called
// on a batch of no samples, so nothing is computed.
#pragma once

#include "fovea/autograd/surroundings.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

template <class Module>
Shape result_shape(const Module& module, const Shape& sample) {
  const NoGrad no_grad;
  return module(Tensor(Array::zeros(sample.inserted(0, 0)))).shape().without(0);
}

}}  // namespace fovea
