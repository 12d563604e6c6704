// One step of Adam over neighbouring numbers, in one pass.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

/// What a step of Adam multiplies with, bias corrections included:
///   g' = gradient + l2 p,  m += (g' - m) one_minus_beta_1,  v += (g'^2 - v) one_minus_beta_2,
///   p = keep p - rate m / (root_scale sqrt(v) + epsilon)
struct AdamStep {
  real one_minus_beta_1, one_minus_beta_2;
  real rate, root_scale, epsilon;
  real l2, keep;
};

/// Updates n parameters, in parallel. A null gradient counts as zeros.
void adam(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance, Index n);

}  // namespace fovea::kernels
