// Sequences of different lengths as one array.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The end of a sequence that is padded or cut.
enum class SequenceEnd { pre, post };

/// The options of pad_sequences, with Keras' names and defaults.
struct PadOptions {
  /// The length of all sequences; none: that of the longest.
  std::optional<Index> maxlen = {};
  /// Where padding is put: `pre` is before the sequence. Attention and `GRU` take either.
  SequenceEnd padding = SequenceEnd::pre;
  /// Where a sequence that is too long is cut: `pre` keeps its end.
  SequenceEnd truncating = SequenceEnd::pre;
  /// The padding.
  std::int32_t value = 0;
};

/// What pad_sequences returns.
struct PaddedSequences {
  Ids ids;    ///< (sequences, length)
  Mask mask;  ///< (sequences, length): 1 where an id is, 0 where padding is
};

/// Pads or cuts sequences to one length, as keras.utils.pad_sequences does. Throws ValueError for a
/// maxlen below 1. (Keras leaves the sequence whole for a maxlen of 0 and `pre`, and fails.)
PaddedSequences pad_sequences(std::span<const std::vector<std::int32_t>> sequences,
                              const PadOptions& options = {});
/// The same, from a list.
PaddedSequences pad_sequences(std::initializer_list<std::vector<std::int32_t>> sequences,
                              const PadOptions& options = {});

}}  // namespace fovea
