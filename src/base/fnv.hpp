// The hash of Fowler, Noll and Vo, FNV-1a, in 64 bits.
#pragma once

#include <cstdint>

namespace fovea {

constexpr std::uint64_t fnv_start = 0xcbf29ce484222325;

/// The hash of what came before, and of one byte or word more.
constexpr std::uint64_t fnv(std::uint64_t hash, std::uint64_t next) {
  return (hash ^ next) * 0x100000001b3;
}

}  // namespace fovea
