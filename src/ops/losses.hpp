// What losses share.
#pragma once

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// Throws ValueError unless 0 <= smoothing <= 1.
void check_smoothing(const char* operation, real smoothing);

/// targets (1 - smoothing) + smoothing / classes
Tensor smoothed(const Tensor& targets, real smoothing, Index classes);

/// Probabilities between 1e-7 and 1 - 1e-7, Keras' bounds: their logarithms are finite. Slope 0
/// beyond.
Tensor clipped(const Tensor& probabilities);

}}}  // namespace fovea::ops
