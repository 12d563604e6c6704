// Elements set to 0 at random, the others scaled up.
#pragma once

#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Which elements are dropped: element i where random.uniform(first + i) is below `rate`.
struct Drops {
  real rate;
  const Rng& random;
  Index first;
};

/// y (+)= x / (1 - rate) where kept, 0 elsewhere; all 0 at rate 1.
void dropout(const real* x, const Drops& drops, Index count, real* y, bool add);

}}}  // namespace fovea::kernels
