#include "io/checksum.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

struct Checksum::State {
  XXH3_state_t* hash = XXH3_createState();
  State() {
    if (!hash) throw std::bad_alloc();
    XXH3_128bits_reset(hash);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(hash); }
};

Checksum::Checksum() : state_(std::make_unique<State>()) {}
Checksum::~Checksum() = default;

void Checksum::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->hash, bytes.data(), bytes.size());
}

std::string Checksum::text() const {
  const XXH128_hash_t sum = XXH3_128bits_digest(state_->hash);
  return fmt::format("{:016x}{:016x}", sum.high64, sum.low64);
}

}}}  // namespace fovea::io
