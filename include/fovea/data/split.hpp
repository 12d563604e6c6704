// Samples in two parts by their content.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/data/samples.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The positions of samples in two parts, in order.
struct SplitPositions {
  std::vector<Index> first;   ///< about `fraction` of the different contents
  std::vector<Index> second;  ///< the others
};

/// Splits texts by a hash of their bytes, XXH3 with the seed: where a text goes depends on nothing
/// but the text. So equal texts never stand on both sides, and a text stays where it is when others
/// come or go. Throws ValueError unless `fraction` is 0 to 1.
SplitPositions split_by_hash(std::span<const std::string> texts, double fraction,
                             std::uint64_t seed = 0);

/// The same for samples of ids or real numbers, by the bits of a sample.
SplitPositions split_by_hash(const Samples& samples, double fraction, std::uint64_t seed = 0);

}}  // namespace fovea
