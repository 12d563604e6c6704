#include "train/data_checksum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "data/content_hash.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

// Each piece is summed with the sum of those before as the seed.
void DataChecksum::add_bytes(std::span<const std::byte> bytes) {
  sum_ = content_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, sum_);
}

void DataChecksum::add(const Shape& shape) { add_bytes(std::as_bytes(shape.sizes())); }

void DataChecksum::add(const Array& array) {
  std::array<float, 16384> piece;
  const std::span<const real> values = array.values();
  for (std::size_t at = 0; at < values.size(); at += piece.size()) {
    const auto some = values.subspan(at, std::min(piece.size(), values.size() - at));
    std::ranges::transform(some, piece.begin(), [](real x) { return static_cast<float>(x); });
    add_bytes(std::as_bytes(std::span(piece).first(some.size())));
  }
}

void DataChecksum::add(const SampleSet& samples) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Samples& column = samples[i].samples;
    add(column.shape());
    if (column.is_ids())
      add_bytes(std::as_bytes(column.ids().values()));
    else
      add(column.array());
    if (samples[i].mask) add_bytes(std::as_bytes(samples[i].mask->keep()));
  }
}

void DataChecksum::add(std::span<const double> weight) { add_bytes(std::as_bytes(weight)); }

std::string DataChecksum::text() const { return fmt::format("{:016x}", sum_); }

}}}  // namespace fovea::train
