// Reductions along one axis. Work is cut by shape; partial results of the pieces are combined
// pairwise, in one fixed tree, which also keeps the rounding error near log(length).
#pragma once

#include "fovea/base/real.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// A dense array seen as (outer, length, inner): whatever lies before, along and behind one axis.
struct AlongAxis {
  Index outer, length, inner;
};

/// y (outer, inner) (+)= sum of x along the axis. 0 for an empty axis.
void sum(const real* x, AlongAxis axis, real* y, bool add);

/// y (inner) = the sum over `rows` rows of x, with the bits of `sum`. make(first, count) writes
/// rows of x, for each row once and just before it is summed, while it is in cache.
void sum_as_made(parallel::FunctionRef<void(Index first, Index count)> make, const real* x,
                 Index rows, Index inner, real* y);

/// y (outer, inner) = the largest x along the axis, or the smallest; NaN if there is one. The axis
/// must not be empty.
void maximum(const real* x, AlongAxis axis, real* y);
void minimum(const real* x, AlongAxis axis, real* y);

/// dx (+)= dy where x equals y, its maximum or minimum, shared equally among ties (Keras' max,
/// PyTorch's amax); NaN where y is NaN.
void extreme_slopes(const real* dy, const real* x, const real* y, AlongAxis axis, real* dx,
                    bool add);

}}}  // namespace fovea::kernels
