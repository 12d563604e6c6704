// Elements picked along one axis by id, and added back without atomics: each line along the axis
// belongs to one task.
#pragma once

#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Which id says where element (o, k, i) of the result comes from: ids[o outer + k along + i
/// inner]. `count` is how many k there are.
struct Picks {
  const std::int32_t* ids;
  Index count, outer, along, inner;
};

/// y (outer, count, inner) = x (outer, length, inner) at (o, id, i). Ids must be valid.
void take(const real* x, AlongAxis axis, Picks picks, real* y);

/// x (outer, length, inner) at (o, id, i) += y (outer, count, inner), k ascending.
void put(const real* y, AlongAxis axis, Picks picks, real* x);

}}}  // namespace fovea::kernels
