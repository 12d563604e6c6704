// Which positions each query looks at, by tiles of queries and positions: what a tile of no kept
// pair costs is nothing, and one of kept pairs alone needs no look at them.
#pragma once

#include <array>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Some neighbouring queries against some neighbouring positions, of one sample and head.
struct DotTile {
  Index sample, head, query, queries, position, positions;
};

/// How much of a tile is kept.
enum class Coverage { none, some, all };

/// A range of places.
struct Places {
  Index begin, end;
};

/// The conditions of AttentionMask as numbers and bytes; null and 0 stand for none.
struct DotPattern {
  Index queries, time;
  bool causal = false;
  Index window = 0;
  Index offset = 0;                       ///< where query 0 stands
  const std::uint8_t* keep = nullptr;     ///< (samples, time)
  const std::uint8_t* looking = nullptr;  ///< (samples, queries)
  const std::uint8_t* global = nullptr;   ///< (samples, time)
  const std::uint8_t* blocks = nullptr;   ///< (blocks of queries, blocks of positions)
  Index block = 1, block_columns = 0;
  const std::uint8_t* pairs = nullptr;
  std::array<Index, 4> pair_strides = {};  ///< of sample, head, query, position

  /// The positions outside of which no query of [query, query + count) looks.
  Places positions_of(Index query, Index count) const;
  /// The queries outside of which none looks at [position, position + count).
  Places queries_of(Index position, Index count) const;

  Coverage coverage(const DotTile& tile) const;

  /// Writes `value` where a pair of the tile is dropped; rows of `s` are `lead` numbers apart.
  void drop(const DotTile& tile, real value, real* s, Index lead) const;

  /// Whether one pair is kept.
  bool keeps(Index sample, Index head, Index query, Index position) const;

 private:
  bool stands_global(Index sample, Index query) const;
  Places kept_range(Index sample, Index query) const;
  Coverage coverage_of_ranges(const DotTile& tile) const;
  bool keeps_byte(Index sample, Index head, Index query, Index position) const;
  bool has_bytes() const { return keep || global || blocks || pairs; }
};

}}}  // namespace fovea::kernels
