// Where the largest numbers are. Of equal numbers the first comes first; a NaN comes before all
// numbers, so that it is seen.
#pragma once

#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// ids (outer, inner) = the position along the axis of the largest number, or of the smallest. The
/// axis must not be empty.
void largest_position(const real* x, AlongAxis axis, std::int32_t* ids);
void smallest_position(const real* x, AlongAxis axis, std::int32_t* ids);

/// ids (rows, k) = the positions of the k largest numbers of each row, the largest first; 0 <= k <=
/// length.
void largest_positions(const real* x, Index rows, Index length, Index k, std::int32_t* ids);

}}}  // namespace fovea::kernels
