// What both directions of tiled attention share: keys and values made ready for products, and the
// scores of a tile.
#pragma once

#include <algorithm>
#include <cmath>

#include "fovea/memory/buffer.hpp"
#include "kernels/attention_tiles.hpp"
#include "kernels/dot_attention.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace tile {

/// Some neighbouring queries against some neighbouring positions, of one sample and head.
struct DotTile {
  Index sample, head, query, queries, position, positions;
  Looked looked;
};

constexpr Index pieces(Index size, Index piece) { return (size + piece - 1) / piece; }

/// Rows of all samples and heads in blocks of `positions`, padded with zeros, and blocks with their
/// axes exchanged.
class Blocks {
 public:
  Blocks() = default;
  /// Either form on request.
  Blocks(const Rows& x, const HeadSizes& sizes, Index width, bool rows, bool transposed);

  const real* rows(Index b, Index h, Index block) const {
    return rows_.as<real>() + at(b, h, block);
  }
  const real* transposed(Index b, Index h, Index block) const {
    return transposed_.as<real>() + number(b, h, block) * width_ * positions;
  }
  /// Whether all of a block was finite: what was not is 0 in it.
  bool is_finite(Index b, Index h, Index block) const {
    return finite_.as<std::uint8_t>()[number(b, h, block)] != 0;
  }

 private:
  Index number(Index b, Index h, Index block) const { return (b * heads_ + h) * blocks_ + block; }
  Index at(Index b, Index h, Index block) const {
    return number(b, h, block) * positions * lead(width_);
  }
  Index heads_ = 0, blocks_ = 0, width_ = 0;
  Buffer rows_, transposed_, finite_;
};

/// Rows of one tile of queries.
struct QueryRows {
  const real* data;
  bool finite;
};

/// What multiplies q before the products, so that scores come out in base 2, or ready for tanh.
real query_factor(const DotAttention& a);

/// The scores of a tile, in base 2, -infinity where dropped; `t` receives tanh under a cap.
/// Products see finite numbers alone: pairs of rows that are not are multiplied one by one.
void score(const DotAttention& a, const DotTile& at, const QueryRows& q, const Blocks& keys,
           real* s, real* t);

/// The columns that a tile computes: a multiple of `unit`.
inline Index columns(const DotTile& at) { return lead(at.positions); }

/// a_i . b_j of the kept pairs of a tile, where either row is not finite.
void repair(const DotAttention& a, const DotTile& at, const Rows& left, const Rows& right,
            Index width, real factor, real* s);

/// Rows of a tile's queries or positions where they were given, times `scale`.
struct GivenRows {
  const real* x;
  Index lead, width;
  real scale;
  bool of_queries;
};

/// to_i += factor_ij x_j over kept pairs, or to_j += factor_ij x_i with rows of queries, for the
/// elements of x that are not finite. Rows of `to` are lead(width) apart.
void add_infinite(const DotAttention& a, const DotTile& at, const real* factor, const GivenRows& x,
                  real* to);

/// factor_ij = 1 / (1 - rate) where a weight stays, 0 where it is dropped.
void keep_factors(const DotAttention& a, const DotTile& at, real* factor);

/// s *= factor.
void multiply_each(const Scores& scores, const real* factor);

/// Writes `value` where a pair of the tile is dropped.
void drop(const DotAttention& a, const DotTile& at, real value, real* s);

/// The tile of the queries of `rows` and a block of positions: with causal, as few positions as any
/// of the queries looks at.
inline DotTile tile_at(const DotAttention& a, const DotTile& rows, Index block) {
  const Span asking{rows.query, rows.query + rows.queries};
  const Index first = block * positions,
              end = std::min({first + positions, a.sizes.time, a.pattern.positions_of(asking).end});
  DotTile at{rows.sample, rows.head, rows.query, rows.queries, first, end - first, Looked::none};
  if (end > first) at.looked = a.pattern.at(at.sample, asking, {first, end});
  return at;
}

}}}}  // namespace fovea::kernels::tile
