#include "fovea/data/split.hpp"

#include <fmt/format.h>

#include <cmath>

#include "data/content_hash.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// `bytes_of(i)` returns the bytes of sample i.
template <class BytesOf>
SplitPositions split(Index count, double fraction, std::uint64_t seed, const BytesOf& bytes_of) {
  if (!(fraction >= 0 && fraction <= 1))
    throw ValueError(
        fmt::format("split_by_hash: expected a fraction from 0 to 1, got {}; it is the part of the "
                    "contents that goes to the first side",
                    fraction));
  SplitPositions result;
  for (Index i = 0; i < count; ++i) {
    // 53 bits of the hash as a number from 0 to 1, without 1.
    const double place =
        std::ldexp(static_cast<double>(content_hash(bytes_of(i), seed) >> 11), -53);
    (place < fraction ? result.first : result.second).push_back(i);
  }
  return result;
}

}  // namespace

SplitPositions split_by_hash(std::span<const std::string> texts, double fraction,
                             std::uint64_t seed) {
  return split(static_cast<Index>(texts.size()), fraction, seed,
               [&](Index i) { return std::string_view(texts[static_cast<std::size_t>(i)]); });
}

SplitPositions split_by_hash(const Samples& samples, double fraction, std::uint64_t seed) {
  const auto by_rows = [&](const auto& values) {
    const auto elements = std::as_bytes(values.values());
    const std::string_view bytes(reinterpret_cast<const char*>(elements.data()), elements.size());
    const std::size_t each =
        samples.count() == 0 ? 0 : bytes.size() / static_cast<std::size_t>(samples.count());
    return split(samples.count(), fraction, seed,
                 [&](Index i) { return bytes.substr(static_cast<std::size_t>(i) * each, each); });
  };
  return samples.is_ids() ? by_rows(samples.ids()) : by_rows(samples.array());
}

}}  // namespace fovea
