// Gradients against differences, with random cases; and losses that weight each number of a result.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/diff/gradcheck.hpp"
#include "support/generate.hpp"

namespace support {

using fovea::Tensor;
using Inputs = const std::vector<Tensor>&;
using Function = fovea::TensorFunction;

/// The sum of weights y, whose gradient by y is the weights, bit for bit. Elements of weight 0 are
/// not looked at.
inline Tensor weighted_sum(const Tensor& y, const Array& weights) {
  long double sum = 0;
  for (Index i = 0; i < y.value().count(); ++i)
    if (weights.data()[i] != 0)
      sum += static_cast<long double>(weights.data()[i]) * y.value().data()[i];
  return record("weighted_sum", Array::full(Shape{}, static_cast<real>(sum)),
                wrt(y, [weights](const Array&, fovea::Gradient& dy) { dy.add(weights); }));
}

/// Weights from -1 to 1 for a result; 0 where it is not finite (log_softmax under a mask).
inline Array draw_weights(const Array& y, Generate& generate) {
  Array weights = generate.array(y.shape(), {-1, 1});
  for (Index i = 0; i < y.count(); ++i)
    if (!std::isfinite(y.data()[i])) weights.mutable_data()[i] = 0;
  return weights;
}

inline std::vector<Tensor> as_parameters(const std::vector<Array>& values) {
  std::vector<Tensor> parameters;
  for (const Array& value : values) parameters.push_back(Tensor::parameter(value));
  return parameters;
}

/// The library's gradcheck with directions of its own. Adds to `comparisons`, and says what failed,
/// if anything did.
inline std::string gradcheck(const Function& f, const std::vector<Array>& at, Generate& generate,
                             Index& comparisons) {
  const fovea::GradcheckResult result = fovea::gradcheck(f, at, {.seed = generate.bits()});
  comparisons += result.comparisons;
  return result.failure;
}

}  // namespace support
