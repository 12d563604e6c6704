// The scalar type, and the type of sizes and positions.
//
// The sources are built twice: as `fovea`, where real is float, and with FOVEA_DOUBLE defined as
// `fovea64`, where real is double and gradient checks are sharp. Each build has an inline namespace
// of its own, so both can be linked into one process.
#pragma once

#if __cplusplus < 202002L
#error "fovea needs C++20: compile with -std=c++20 (g++ 12 or newer, clang 14 or newer)"
#include <fovea-needs-C++20>  // does not exist, so that compilers stop at the error above
#endif

#include <cstdint>

#if defined(FOVEA_DOUBLE)
#define FOVEA_PRECISION float64
#else
#define FOVEA_PRECISION float32
#endif

namespace fovea { inline namespace FOVEA_PRECISION {

#if defined(FOVEA_DOUBLE)
using real = double;
#else
using real = float;
#endif

/// Sizes, counts and positions. Signed, so that differences and negative axes are ordinary values.
using Index = std::int64_t;

}}  // namespace fovea
