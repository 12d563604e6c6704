// Sequences of unequal length as one array.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// An end of a sequence.
enum class SequenceEnd {
  pre,   ///< before the first id
  post,  ///< behind the last id
};

/// Options of pad_sequences, with Keras' names and defaults.
struct PadOptions {
  std::optional<Index> maxlen = {};           ///< the length of all; none: of the longest
  SequenceEnd padding = SequenceEnd::pre;     ///< where short sequences are filled
  SequenceEnd truncating = SequenceEnd::pre;  ///< where long sequences are cut
  std::int32_t value = 0;                     ///< what they are filled with
};

/// Sequences of one length.
struct PaddedSequences {
  Ids ids;    ///< (sequences, length)
  Mask mask;  ///< (sequences, length): 1 where an id was given, 0 where it was filled
};

/// Returns the sequences as one array. Keras' pad_sequences; the mask says which positions are
/// padding, also where `value` occurs in a sequence. Throws ValueError for a maxlen below 0, and
/// ShapeError where there are no sequences.
PaddedSequences pad_sequences(std::span<const std::vector<std::int32_t>> sequences,
                              const PadOptions& options = {});

}}  // namespace fovea
