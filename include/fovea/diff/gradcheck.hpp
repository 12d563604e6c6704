// Comparison of gradients with finite differences, to test operations, layers and whole models.
#pragma once

#include <string>

#include "fovea/diff/grad.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Options of gradcheck. In double (fovea64) the default tolerances are tight. In float they detect
/// wrong signs and missing factors.
struct GradcheckOptions {
  double step = sizeof(real) == 8 ? 1e-6 : 1e-2;  ///< eps of (f(x + eps u) - f(x - eps u)) / 2 eps
  double absolute = sizeof(real) == 8 ? 1e-5 : 1e-2;  ///< the absolute tolerance
  double relative = sizeof(real) == 8 ? 1e-3 : 2e-2;  ///< the tolerance relative to the quotient
  int directions = 3;                                 ///< random directions over all inputs
  Index every_element_up_to = 24;  ///< the most elements that are also varied one by one
  std::uint64_t seed = 0;          ///< of the directions and of the weights of the result
};

/// The result of gradcheck.
struct GradcheckResult {
  std::string failure;    ///< the first failed comparison, with both values; empty if all agreed
  Index comparisons = 0;  ///< the number of comparisons
  /// Returns whether all comparisons agreed.
  explicit operator bool() const { return failure.empty(); }
};

/// Compares the gradient of v . function with difference quotients along random directions u, at
/// the point `at`; v are random weights of the result. The function must be differentiable around
/// the point and return the same values each time.
///
/// Elements of the result that are not finite are left out, but gradients must be finite. A result
/// of NaNs only fails. Accumulated gradients of tensors do not change. Throws what the function
/// throws, and ValueError for fewer than one direction.
GradcheckResult gradcheck(const TensorFunction& function, const std::vector<Array>& at,
                          const GradcheckOptions& options = {});

}}  // namespace fovea
