// The seed from which tests draw shapes and numbers.
#pragma once

#include <cstdint>

namespace support {

/// 1, or FOVEA_SEED from the environment.
std::uint64_t seed();

}  // namespace support
