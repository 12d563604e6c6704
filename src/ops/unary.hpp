// Kernels of unary.cpp that other ops apply to their own results.
#pragma once

#include <optional>

#include "fovea/autograd/tensor.hpp"
#include "fovea/ops/options.hpp"
#include "kernels/elementwise.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// The kernel of an activation that keeps its output, so that it can overwrite its input; nothing
/// for any other.
std::optional<kernels::UnaryKernel> kernel_of(Activation activation);

/// The root of a sum of squares; its slope is 0 where it is 0.
Tensor root_of_squares(const char* name, const Tensor& x);

/// x itself, of slope NaN where it is NaN.
Tensor chosen(const char* name, const Tensor& x);

}}}  // namespace fovea::ops
