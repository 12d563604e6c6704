// Samples in two parts: to train with, and to judge by.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/data/samples.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The positions of samples in two parts, each in rising order: for `Samples::rows`.
struct SplitPositions {
  std::vector<Index> train;  ///< the rest
  std::vector<Index> test;   ///< the fraction
};

/// Splits samples by a hash of their content: texts that are equal are on the same side, in this
/// and every other call with the seed, wherever they stand and whatever stands beside them. The
/// test part is about `fraction` of the different texts. Throws ValueError unless 0 < fraction < 1.
SplitPositions split_by_hash(std::span<const std::string> texts, double fraction,
                             std::uint64_t seed = 0);

/// The same for rows of ids or real numbers, by their bits; 0 and -0 are equal, as are all NaNs.
SplitPositions split_by_hash(const Samples& samples, double fraction, std::uint64_t seed = 0);

/// Splits `count` samples at random: exactly round(fraction * count) are in the test part. Throws
/// ValueError unless 0 < fraction < 1 and both parts have a sample. As scikit-learn's, but the same
/// seed always gives the same split.
SplitPositions train_test_split(Index count, double fraction, std::uint64_t seed = 0);

}}  // namespace fovea
