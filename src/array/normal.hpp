// Normal values from uniform ones.
#pragma once

#include <span>

#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace array {

/// Writes the normal values number first, first + 1, ... of a stream: mean 0, variance 1. Value i
/// is made of the uniform values 2i and 2i + 1 (Box and Muller, 1958).
void fill_normal(const Rng& random, std::uint64_t first, std::span<double> numbers);

}}}  // namespace fovea::array
