// Gradients against finite differences: for tests of operations, layers and whole models of one's
// own.
#pragma once

#include <string>

#include "fovea/diff/grad.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How close and how often. The defaults are sharp in double (fovea64); in float they find wrong
/// signs and forgotten factors.
struct GradcheckOptions {
  double step = sizeof(real) == 8 ? 1e-6 : 1e-2;  ///< eps of (f(x + eps u) - f(x - eps u)) / 2 eps
  double absolute = sizeof(real) == 8 ? 1e-5 : 1e-2;  ///< allowed difference ...
  double relative =
      sizeof(real) == 8 ? 1e-3 : 2e-2;  ///< ... and as a part of the difference quotient
  int directions = 3;                   ///< random directions, over all inputs at once
  Index every_element_up_to = 24;       ///< so few numbers are also moved one by one
  std::uint64_t seed = 0;               ///< of directions and of the weights of the result
};

/// What was found.
struct GradcheckResult {
  std::string failure;    ///< the first comparison that failed, with both numbers; empty: none did
  Index comparisons = 0;  ///< made
  explicit operator bool() const { return failure.empty(); }  ///< whether all agreed
};

/// Compares v . (J u), J u from `backward` and v random weights of the result, with differences of
/// v . function along u, at the point `at`. Numbers of the result that are not finite there are not
/// looked at (their gradients must be finite even so); a result that is all NaN fails. The function
/// must be differentiable along the way and give the same each time. Nobody's gradients are
/// touched. Throws what the function throws, and ValueError for fewer directions than one.
GradcheckResult gradcheck(const TensorFunction& function, const std::vector<Array>& at,
                          const GradcheckOptions& options = {});

}}  // namespace fovea
