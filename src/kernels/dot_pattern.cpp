#include "kernels/dot_pattern.hpp"

#include <algorithm>

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

Places clamped(Index begin, Index end, Index size) {
  begin = std::clamp<Index>(begin, 0, size);
  return {begin, std::clamp(end, begin, size)};
}

}  // namespace

bool DotPattern::stands_global(Index sample, Index query) const {
  const Index stands = query + offset;
  return global && stands >= 0 && stands < time && global[sample * time + stands] != 0;
}

Places DotPattern::positions_of(Index query, Index count) const {
  const Index first = query + offset, last = first + count - 1;
  const bool bounded = window > 0 && !global;
  Index end = causal ? last + 1 : time;
  if (bounded) end = std::min(end, last + window);
  return clamped(bounded ? first - window + 1 : 0, end, time);
}

Places DotPattern::queries_of(Index position, Index count) const {
  const Index first = position - offset, last = first + count - 1;
  const bool bounded = window > 0 && !global;
  Index begin = causal ? first : 0;
  if (bounded) begin = std::max(begin, first - window + 1);
  return clamped(begin, bounded ? last + window : queries, queries);
}

// What causal, the window (where it holds for all positions) and `looking` leave to a query.
Places DotPattern::kept_range(Index sample, Index query) const {
  if (looking && !looking[sample * queries + query]) return {0, 0};
  return positions_of(query, 1);
}

bool DotPattern::keeps_byte(Index sample, Index head, Index query, Index position) const {
  if (keep && !keep[sample * time + position]) return false;
  if (window > 0 && global && !global[sample * time + position] && !stands_global(sample, query)) {
    const Index stands = query + offset;
    if ((position < stands ? stands - position : position - stands) >= window) return false;
  }
  if (blocks && !blocks[query / block * block_columns + position / block]) return false;
  const auto& [a, b, c, d] = pair_strides;
  return !pairs || pairs[sample * a + head * b + query * c + position * d];
}

bool DotPattern::keeps(Index sample, Index head, Index query, Index position) const {
  const Places range = kept_range(sample, query);
  return position >= range.begin && position < range.end &&
         keeps_byte(sample, head, query, position);
}

// Without bytes: of a tile's rows each range begins and ends no earlier than those of the rows
// above it.
Coverage DotPattern::coverage_of_ranges(const DotTile& t) const {
  const Places first = positions_of(t.query, 1), last = positions_of(t.query + t.queries - 1, 1);
  const Index end = t.position + t.positions;
  if (last.end <= t.position || first.begin >= end) return Coverage::none;
  return last.begin <= t.position && first.end >= end ? Coverage::all : Coverage::some;
}

Coverage DotPattern::coverage(const DotTile& t) const {
  const bool bytes = has_bytes();
  const Coverage ranges = coverage_of_ranges(t);
  if (ranges == Coverage::none || (!bytes && !looking)) return ranges;
  Index kept = 0;
  for (Index i = t.query; i < t.query + t.queries; ++i) {
    const Places range = kept_range(t.sample, i);
    const Index begin = std::max(range.begin, t.position),
                end = std::min(range.end, t.position + t.positions);
    if (!bytes) {
      kept += std::max<Index>(0, end - begin);
      continue;
    }
    for (Index j = begin; j < end; ++j) kept += keeps_byte(t.sample, t.head, i, j);
    if (kept > 0 && kept < (i + 1 - t.query) * t.positions) return Coverage::some;
  }
  if (kept == 0) return Coverage::none;
  return kept == t.queries * t.positions ? Coverage::all : Coverage::some;
}

void DotPattern::drop(const DotTile& t, real value, real* s, Index lead) const {
  const bool bytes = has_bytes();
  for (Index i = 0; i < t.queries; ++i) {
    const Places range = kept_range(t.sample, t.query + i);
    const Index begin = std::clamp<Index>(range.begin - t.position, 0, t.positions),
                end = std::clamp<Index>(range.end - t.position, begin, t.positions);
    real* const row = s + i * lead;
    std::fill(row, row + begin, value);
    std::fill(row + end, row + t.positions, value);
    for (Index j = begin; bytes && j < end; ++j)
      if (!keeps_byte(t.sample, t.head, t.query + i, t.position + j)) row[j] = value;
  }
}

}}}  // namespace fovea::kernels
