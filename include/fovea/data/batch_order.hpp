// How the samples of an epoch are put into batches: a function of the seed and the epoch alone.
#pragma once

#include <variant>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// All samples are shuffled together where FitOptions::shuffle is true, and in order where not.
struct ShuffleAll {};

/// For samples that lie in files: blocks of neighbouring samples are shuffled, and samples within a
/// few blocks that are read together. So a batch is read from a small part of the files.
struct ShuffleInBlocks {
  /// Samples in a block. The last block may be smaller.
  Index block_size = 1024;
  /// Blocks whose samples are shuffled together.
  Index blocks_together = 16;
};

/// For sequences of unequal length: a batch has samples of similar length, and is cut to its
/// longest one. The length of a sample ends with the last position that its mask keeps; where there
/// is no mask, with its last id other than 0. What is cut off must be padding to the model too, as
/// it is by `mask_zero`: losses are then those of the uncut batch. Where id 0 counts, as it does
/// without `mask_zero`, give a mask of the positions that do: trailing zeros are cut off otherwise.
struct BucketByLength {
  /// The longest length of each bucket but the last, ascending; a batch is from one bucket. Empty:
  /// samples are sorted by length within windows.
  std::vector<Index> boundaries = {};
  /// Batches whose samples are sorted together, where there are no boundaries.
  Index window = 64;
  /// The inputs that are cut along their second axis, counted from 0 in the order in which they are
  /// given; the length of a sample is that of its longest.
  std::vector<std::size_t> inputs = {0};
  /// The targets that have the same time axis and are cut as well.
  std::vector<std::size_t> targets = {};
};

/// An order of batches.
using BatchOrder = std::variant<ShuffleAll, ShuffleInBlocks, BucketByLength>;

}}  // namespace fovea
