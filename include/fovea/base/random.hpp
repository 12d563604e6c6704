// Random numbers as a function of (seed, stream, position): the same on any number of threads, in
// any order of drawing. The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the four random words that belong to a 128-bit counter and a 64-bit key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// A stream of random numbers. Values at a position (`bits`, `uniform`) do not depend on earlier
/// draws; `next` and `below` advance the stream.
class Rng {
 public:
  /// Constructs the generator at position 0.
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Returns an independent generator for a named purpose ("shuffle", a layer's path) and a number
  /// within that purpose (the epoch, the step).
  Rng split(std::string_view purpose, std::uint64_t number = 0) const;

  /// Returns the word at a position.
  std::uint32_t bits(std::uint64_t position) const;

  /// Returns the value at a position: uniform in [0, 1), a multiple of 2^-24.
  real uniform(std::uint64_t position) const { return to_uniform(bits(position)); }

  /// Writes uniform(first), uniform(first + 1), ... to `numbers`. One call of the generator gives
  /// four of them.
  void fill(std::uint64_t first, std::span<real> numbers) const;

  /// Returns the next word of the stream.
  std::uint32_t next() { return bits(position_++); }

  /// Returns the next integer of the stream, uniform in [0, bound), without bias. Throws ValueError
  /// unless 0 < bound <= 2^32.
  Index below(Index bound);

 private:
  static real to_uniform(std::uint32_t word) {
    return static_cast<real>(word >> 8) * real(0x1p-24);
  }
  std::array<std::uint32_t, 4> block(std::uint64_t number) const;

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
};

}}  // namespace fovea
