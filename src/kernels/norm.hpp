// Normalisation of rows. Sums over rows (dgamma, dbeta) go through chunks of 64 rows, whose partial
// results are added pairwise in one fixed tree: the same bits on any number of threads.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

struct NormSizes {
  Index rows, width;
  bool centred;  // layer_norm subtracts the mean and adds beta; rms_norm does neither
};

struct NormInputs {
  const real *x, *gamma, *beta;  // beta is null unless centred
  real epsilon;
};

/// With m = mean(x) or 0 and s = 1 / sqrt(mean((x - m)^2) + epsilon):  y = (x - m) s gamma + beta.
/// `statistics` get of each row m rounded, s, and s times what the
/// rounding of m lost: with them, and with the variance of the differences, a large mean costs no
/// digits. Sums are added pairwise over blocks of a row.
void norm(NormSizes sizes, const NormInputs& in, real* y, real* statistics);
constexpr Index statistics_per_row = 3;

/// Where the gradients go; null where none is wanted. dx is written, or added to with `add_dx`;
/// dgamma and dbeta are written.
struct NormGradients {
  real* dx;
  bool add_dx;
  real* dgamma;
  real* dbeta;
};

/// With n = (x - m) s and g = dy gamma:  dx (+)= s (g - mean(g) - n mean(g n)), where not centred
/// without mean(g); dgamma = sum over rows of dy n;  dbeta = sum over rows of dy.
void norm_slopes(NormSizes sizes, const real* dy, const real* x, const real* gamma,
                 const real* statistics, const NormGradients& gradients);

}}}  // namespace fovea::kernels
