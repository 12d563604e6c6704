// Kernels of unary.cpp that other ops apply to their own results.
#pragma once

#include <optional>

#include "fovea/ops/options.hpp"
#include "kernels/elementwise.hpp"

namespace fovea::inline FOVEA_PRECISION::ops {

/// The kernel of an activation that keeps its output, so that it can overwrite its input; nothing for any other.
std::optional<kernels::UnaryKernel> kernel_of(Activation activation);

}  // namespace fovea::ops
