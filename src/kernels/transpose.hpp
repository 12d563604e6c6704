// One matrix with its axes exchanged.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// y (columns, rows) = x (rows, columns) with its axes exchanged, on the calling thread; rows of x
/// are `lead_x` numbers apart, those of y `lead_y`.
void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y);

}}}  // namespace fovea::kernels
