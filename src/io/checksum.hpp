// The checksum of a file: XXH3 in 128 bits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Bytes go in one piece after the other.
class Checksum {
 public:
  static constexpr std::size_t digits = 32;  ///< of the sum as text

  Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  ~Checksum();

  void add(std::span<const std::byte> bytes);

  /// Returns the sum of all bytes so far: lower-case hexadecimal digits, the highest first.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}}}  // namespace fovea::io
