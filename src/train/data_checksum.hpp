// A checksum of samples, by which a fit that goes on knows the data with which it began.
#pragma once

#include <span>
#include <string>

#include "fovea/data/sample_set.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// Samples go in one set after the other. Not for data that somebody forges.
class DataChecksum {
 public:
  /// Adds shapes, elements and masks; names are left out. Elements count as float: the sum is the
  /// same in both precisions.
  void add(const SampleSet& samples);
  /// Adds the weights of samples.
  void add(std::span<const double> weight);

  /// Returns the sum of all so far: 16 hexadecimal digits.
  std::string text() const;

 private:
  void add_bytes(std::span<const std::byte> bytes);
  void add(const Shape& shape);
  void add(const Array& array);

  std::uint64_t sum_ = 0;
};

}}}  // namespace fovea::train
