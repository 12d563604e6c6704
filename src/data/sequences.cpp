#include "fovea/data/sequences.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

Index length_of(std::span<const std::vector<std::int32_t>> sequences, const PadOptions& options) {
  if (sequences.empty())
    throw ShapeError("pad_sequences: expected at least one sequence, got none; pass some");
  if (options.maxlen && *options.maxlen < 0)
    throw ValueError(
        fmt::format("pad_sequences: expected a maxlen of at least 0, got {}; leave it out for the "
                    "length of the longest",
                    *options.maxlen));
  if (options.maxlen) return *options.maxlen;
  return static_cast<Index>(
      std::ranges::max(sequences, {}, &std::vector<std::int32_t>::size).size());
}

}  // namespace

PaddedSequences pad_sequences(std::span<const std::vector<std::int32_t>> sequences,
                              const PadOptions& options) {
  const auto length = static_cast<std::size_t>(length_of(sequences, options));
  const Shape shape{static_cast<Index>(sequences.size()), static_cast<Index>(length)};
  Ids ids(shape);
  Mask mask(shape);
  std::ranges::fill(ids.mutable_values(), options.value);
  std::ranges::fill(mask.mutable_keep(), std::uint8_t(0));
  for (std::size_t row = 0; row < sequences.size(); ++row) {
    const std::vector<std::int32_t>& sequence = sequences[row];
    const std::size_t count = std::min(length, sequence.size());
    const std::size_t from =
        options.truncating == SequenceEnd::pre ? sequence.size() - count : std::size_t(0);
    const std::size_t to =
        row * length + (options.padding == SequenceEnd::pre ? length - count : std::size_t(0));
    std::ranges::copy(std::span(sequence).subspan(from, count),
                      ids.mutable_values().subspan(to).begin());
    std::ranges::fill(mask.mutable_keep().subspan(to, count), std::uint8_t(1));
  }
  return {std::move(ids), std::move(mask)};
}

}}  // namespace fovea
