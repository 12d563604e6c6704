#include "fovea/data/padding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

PaddedSequences pad_sequences(std::span<const std::vector<std::int32_t>> sequences,
                              const PadOptions& options) {
  if (options.maxlen && *options.maxlen < 1)
    throw ValueError(
        fmt::format("pad_sequences: maxlen: expected at least 1, got {}", *options.maxlen));
  Index length = options.maxlen.value_or(0);
  if (!options.maxlen)
    for (const auto& sequence : sequences)
      length = std::max(length, static_cast<Index>(sequence.size()));
  const Shape shape = {static_cast<Index>(sequences.size()), length};
  PaddedSequences result = {Ids(shape), Mask(shape)};
  std::ranges::fill(result.ids.mutable_values(), options.value);
  std::ranges::fill(result.mask.mutable_keep(), std::uint8_t(0));
  std::int32_t* ids = result.ids.mutable_data();
  std::uint8_t* keep = result.mask.mutable_data();
  for (const auto& sequence : sequences) {
    const Index size = static_cast<Index>(sequence.size()), count = std::min(size, length);
    const Index from = options.truncating == SequenceEnd::pre ? size - count : 0;
    const Index to = options.padding == SequenceEnd::pre ? length - count : 0;
    std::copy_n(sequence.begin() + from, count, ids + to);
    std::fill_n(keep + to, count, std::uint8_t(1));
    ids += length;
    keep += length;
  }
  return result;
}

PaddedSequences pad_sequences(std::initializer_list<std::vector<std::int32_t>> sequences,
                              const PadOptions& options) {
  return pad_sequences(std::span(sequences.begin(), sequences.size()), options);
}

}}  // namespace fovea
