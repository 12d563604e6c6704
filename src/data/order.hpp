// The order in which samples are seen.
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns 0, 1, ... count - 1.
std::vector<Index> in_order(Index count);

/// Returns the order of an epoch, by Fisher and Yates, from the seed and the number of the epoch.
std::vector<Index> shuffled(Index count, std::uint64_t seed, std::uint64_t epoch);

}}  // namespace fovea
