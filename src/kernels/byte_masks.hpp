// Bytes of a text that mean something, many at once.
#pragma once

#include <array>
#include <cstdint>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Sets bit i of masks[w] where byte 64 w + i of the text is one of four. Reads 64 bytes for each
/// mask.
void find_bytes(const char* text, Index masks_count, const std::array<char, 4>& wanted,
                std::uint64_t* masks);

/// What stands in a text.
struct ByteCounts {
  Index line_feeds = 0, quotes = 0;
  /// Whether all bytes are those of ASCII, without NUL.
  bool ascii = true;
};

/// Counts line feeds, and bytes that are `quote`.
ByteCounts count_bytes(const char* text, Index size, char quote);

}}}  // namespace fovea::kernels
