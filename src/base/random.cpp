#include "fovea/base/random.hpp"

#include <fmt/format.h>

#include <Random123/philox.h>

#include "base/fnv.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
  const r123::Philox4x32::ctr_type input = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type seed = {{key[0], key[1]}};
  const auto output = r123::Philox4x32{}(input, seed);
  return {output[0], output[1], output[2], output[3]};
}

namespace {

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

}  // namespace

// The new stream's number is the generator's own mix of the old one, the purpose's FNV-1a hash and
// the number, so that streams split from different parents differ as well.
Rng Rng::split(std::string_view purpose, std::uint64_t number) const {
  std::uint64_t hash = fnv_start;
  for (const char c : purpose) hash = fnv(hash, static_cast<unsigned char>(c));
  const auto words = philox({low(hash), high(hash), low(number), high(number)},
                            {low(stream_) ^ 0x9e3779b9, high(stream_)});
  return Rng(seed_, words[0] | static_cast<std::uint64_t>(words[1]) << 32);
}

std::array<std::uint32_t, 4> Rng::block(std::uint64_t number) const {
  return philox({low(number), high(number), low(stream_), high(stream_)},
                {low(seed_), high(seed_)});
}

std::uint32_t Rng::bits(std::uint64_t position) const { return block(position / 4)[position % 4]; }

void Rng::fill(std::uint64_t first, std::span<real> numbers) const {
  for (std::size_t i = 0; i < numbers.size();) {
    const auto words = block((first + i) / 4);
    for (std::size_t word = (first + i) % 4; word < 4 && i < numbers.size(); ++word, ++i)
      numbers[i] = to_uniform(words[word]);
  }
}

// Lemire, "Fast random integer generation in an interval" (2019): multiply and keep the high word;
// the few low words that would favour some results are drawn again.
Index Rng::below(Index bound) {
  if (bound < 1 || bound > (Index(1) << 32))
    throw ValueError(
        fmt::format("Rng::below: bound is {}; it must be at least 1 and at most 2^32", bound));
  const auto range = static_cast<std::uint64_t>(bound);
  const std::uint64_t biased = (std::uint64_t(1) << 32) % range;
  std::uint64_t product = next() * range;
  while (low(product) < biased) product = next() * range;
  return static_cast<Index>(product >> 32);
}

}}  // namespace fovea
