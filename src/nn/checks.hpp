// What modules refuse alike: calls before they are built, and inputs that they were not built for.
#pragma once

#include "fovea/autograd/tensor.hpp"
#include "fovea/ops/options.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Throws StateError where the parameter, which `build` makes last, does not exist.
void check_built(const char* module, const Tensor& parameter);

/// Throws ShapeError unless the last size of x is `features`; `what` is x's name in the message.
void check_features(const char* module, const char* what, const Shape& x, Index features);

/// Throws ShapeError for a sample that has not the axes for windows, `rank` with the channels.
void check_windowed(const char* module, const Shape& sample, int rank);

/// Throws ValueError for a softmax over one unit: it is 1 whatever goes in, and its gradient is 0.
void check_softmax_units(const char* module, Activation activation, Index units);

}  // namespace fovea
