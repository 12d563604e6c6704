// Which positions a query looks at, as attention that goes by tiles asks: whether a part of the
// scores has to be computed at all, and which of a row of it.
#pragma once

#include <algorithm>
#include <array>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// How much of a tile of scores is looked at.
enum class Looked { none, some, all };

/// Positions [begin, end) and queries likewise.
struct Span {
  Index begin, end;
};

/// The conditions of AttentionMask, all of which a position must meet. Masks have a byte for each
/// element, 1 to keep; null keeps all.
struct AttentionPattern {
  Index queries, time;
  bool causal;    ///< a query that stands at s looks at positions up to s only
  Index window;   ///< and at those less than so far from s; 0: at any distance
  Index stand_0;  ///< where query 0 stands; negative where there are more queries than positions
  const std::uint8_t* keep;          ///< (batch, time)
  const std::uint8_t* keep_queries;  ///< (batch, queries)
  const std::uint8_t* global;        ///< (batch, time): places that the window does not limit
  Index block;                       ///< queries and positions in a block; 0: no table
  const std::uint8_t* blocks;        ///< a byte for each pair of blocks
  Index blocks_a_row;
  const std::uint8_t* pairs;  ///< (batch, heads, queries, time), by the strides
  std::array<Index, 4> pair_strides;

  /// Whether a query of a sample looks at a position.
  bool keeps(Index sample, Index head, Index query, Index position) const {
    const Index stand = stand_0 + query;
    if (causal && position > stand) return false;
    if (window > 0 && distance(stand, position) >= window && !is_global(sample, position) &&
        !is_global(sample, stand))
      return false;
    if (keep && !keep[sample * time + position]) return false;
    if (keep_queries && !keep_queries[sample * queries + query]) return false;
    if (block > 0 && !blocks[query / block * blocks_a_row + position / block]) return false;
    return !pairs || pairs[sample * pair_strides[0] + head * pair_strides[1] +
                           query * pair_strides[2] + position * pair_strides[3]];
  }

  /// The positions outside of which no query of a span looks.
  Span positions_of(Span query) const {
    const Index first = stand_0 + query.begin, last = stand_0 + query.end - 1;
    const bool bounded = window > 0 && !global;
    const Index end = causal ? last + 1 : time;
    return clamped(bounded ? first - window + 1 : 0, bounded ? std::min(end, last + window) : end,
                   time);
  }

  /// The queries outside of which none looks at a position of a span.
  Span queries_of(Span position) const {
    const Index first = position.begin - stand_0, last = position.end - 1 - stand_0;
    const bool bounded = window > 0 && !global;
    const Index begin = causal ? first : 0;
    return clamped(bounded ? std::max(begin, first - window + 1) : begin,
                   bounded ? last + window : queries, queries);
  }

  /// Whether `positions_of` does not tell all, and pairs have to be asked one by one.
  bool asks_each() const { return keep || keep_queries || global || block > 0 || pairs; }

  /// How many of the positions of a span some of the queries of a span look at, as far as that is
  /// quickly told: `some` also stands for "not known".
  Looked at(Index sample, Span query, Span position) const {
    const Index first = stand_0 + query.begin, last = stand_0 + query.end - 1;
    Looked result = pairs ? Looked::some : Looked::all;
    if (causal && position.begin > last) return Looked::none;
    if (causal && position.end - 1 > first) result = Looked::some;
    const auto join = [&](Looked part) {
      if (part != Looked::all) result = std::min(result, part);
      return result == Looked::none;
    };
    return join(in_window(sample, {first, last + 1}, position)) ||
                   join(of(keep, sample * time, position)) ||
                   join(of(keep_queries, sample * queries, query)) ||
                   join(in_blocks(query, position))
               ? Looked::none
               : result;
  }

  /// Writes for each of `count` positions, in ascending order, whether a query looks at it; returns
  /// how many it looks at.
  Index row(Index sample, Index head, Index query, const Index* positions, Index count,
            std::uint8_t* bytes) const {
    const auto within = [&](Span span) {
      for (Index i = 0; i < count; ++i)
        bytes[i] = positions[i] >= span.begin && positions[i] < span.end;
    };
    if (keep || global || block > 0 || pairs) {
      for (Index i = 0; i < count; ++i) bytes[i] = keeps(sample, head, query, positions[i]);
    } else if (keep_queries && !keep_queries[sample * queries + query]) {
      std::fill_n(bytes, count, std::uint8_t(0));
    } else {
      const Index stand = stand_0 + query, all = time;
      within({window > 0 ? stand - window + 1 : 0,
              std::min(causal ? stand + 1 : all, window > 0 ? stand + window : all)});
    }
    Index looked_at = 0;
    for (Index i = 0; i < count; ++i) looked_at += bytes[i];
    return looked_at;
  }

 private:
  static Span clamped(Index begin, Index end, Index size) {
    begin = std::clamp<Index>(begin, 0, size);
    return {begin, std::clamp(end, begin, size)};
  }

  static Index distance(Index a, Index b) { return a < b ? b - a : a - b; }

  bool is_global(Index sample, Index place) const {
    return global && place >= 0 && place < time && global[sample * time + place];
  }

  Looked in_window(Index sample, Span stands, Span position) const {
    if (window == 0) return Looked::all;
    const Index far = std::max(distance(stands.begin, position.end - 1),
                               distance(stands.end - 1, position.begin));
    if (far < window) return Looked::all;
    const bool overlap = stands.begin < position.end && position.begin < stands.end;
    const Index near = overlap ? 0
                               : std::min(distance(stands.end - 1, position.begin),
                                          distance(stands.begin, position.end - 1));
    if (near < window) return Looked::some;
    return any_global(sample, position) || any_global(sample, stands) ? Looked::some : Looked::none;
  }

  bool any_global(Index sample, Span places) const {
    for (Index place = places.begin; place < places.end; ++place)
      if (is_global(sample, place)) return true;
    return false;
  }

  static Looked of(const std::uint8_t* bytes, Index offset, Span span) {
    if (!bytes) return Looked::all;
    const auto kept = std::count_if(bytes + offset + span.begin, bytes + offset + span.end,
                                    [](std::uint8_t byte) { return byte != 0; });
    return kept == 0 ? Looked::none : kept == span.end - span.begin ? Looked::all : Looked::some;
  }

  Looked in_blocks(Span query, Span position) const {
    if (block == 0) return Looked::all;
    Index kept = 0, met = 0;
    for (Index i = query.begin / block; i <= (query.end - 1) / block; ++i)
      for (Index j = position.begin / block; j <= (position.end - 1) / block; ++j, ++met)
        kept += blocks[i * blocks_a_row + j] != 0;
    return kept == 0 ? Looked::none : kept == met ? Looked::all : Looked::some;
  }
};

}}}  // namespace fovea::kernels
