// Where the largest numbers are, and the order of all. Of equal numbers the first comes first; a
// NaN counts as the largest, so that it is seen.
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

/// ids (outer, length, inner) = the positions along the axis in ascending order of the numbers, NaN
/// last; of equal numbers the first comes first.
void ascending_positions(const real* x, AlongAxis axis, std::int32_t* ids);

}}}  // namespace fovea::kernels
