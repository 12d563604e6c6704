// Hashes of bytes, and the checksum of a file: XXH3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Returns XXH3 of some bytes in 64 bits.
std::uint64_t hash(std::span<const std::byte> bytes, std::uint64_t seed);

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
