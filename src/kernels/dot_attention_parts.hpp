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

/// A block of positions of one head of keys or values, ready for products: its rows, padded with
/// zeros to `positions` and lead(width), and its axes exchanged. What is not finite is 0 in it, and
/// so is what a factor makes infinite.
struct Block {
  real *rows, *transposed;  ///< (positions, lead(width)) and (width, positions)
  bool finite;

  /// Reads rows times `factor`, and with their axes exchanged into `transposed` where there is one;
  /// `as_given`: `rows` are left without the factor.
  void read(const Matrix& x, real factor, bool as_given);
};

/// The rows of a tile of queries, `lead` apart, where they were given, or copies with 0 for what is
/// not finite.
struct QueryRows {
  const real* data;
  Index lead;
  bool finite;
};

/// Rows that are known to be finite or not; `room` takes the copies.
QueryRows finite_rows(const Matrix& x, bool finite, real* room);

/// What multiplies k before the products, so that scores come out in base 2, or ready for tanh.
real key_factor(const DotAttention& a);

/// The scores of a tile, in base 2, -infinity where dropped; `t` receives tanh under a cap.
/// Products see finite numbers alone: pairs of rows that are not are multiplied one by one.
void score(const DotAttention& a, const DotTile& at, const QueryRows& q, const Block& keys, real* s,
           real* t);

/// The columns that a tile computes: a multiple of `unit`.
inline Index columns(const DotTile& at) { return lead(at.positions); }

/// factor a_i . b_j of the kept pairs of a tile, where a_i or factor b_j is not finite.
void repair(const DotAttention& a, const DotTile& at, const Rows& left, const Rows& right,
            Index width, real factor, real* s);

/// Rows of a tile's queries or positions where they were given.
struct GivenRows {
  const real* x;
  Index lead, width;
  bool of_queries;
};

/// Sums of rows: element f of row i is data[i * row + f * step].
struct Sums {
  real* data;
  Index row, step;
};

/// to_i += factor_ij x_j over kept pairs, or to_j += factor_ij x_i with rows of queries, for the
/// elements of x that are not finite.
void add_infinite(const DotAttention& a, const DotTile& at, const real* factor, const GivenRows& x,
                  const Sums& to);

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
