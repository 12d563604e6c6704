// The inner loops of additive attention, over a tile of up to 64 queries and 64 positions.
//
// Note: exponential form. With A = e^2q and B = e^2k, made once for each row,
//   tanh(q + k) = 1 - 2 r,  r = 1 / (1 + A B),  tanh' = 4 (r - r^2),
// so that a pair costs a multiply-add and a reciprocal in each unit instead of a tanh. The error of
// a tanh is at most 2e-7 (float). A B overflows where |q| and |k| are large: pairs in which one of
// the rows holds a number beyond `plain_limit` are left to the tanh itself. Whether that is so, and
// with it every bit of the score of a pair, depends on the two rows alone.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Queries and positions in a tile, and how far rows of a tile of scores are apart.
constexpr Index tile_size = 64;

/// A number of units, or of anything else along a row, rounded up to whole vectors.
constexpr Index padded(Index n) { return (n + 15) / 16 * 16; }

/// e^(2 limit) squared is far from the largest real.
constexpr real plain_limit = sizeof(real) == 4 ? 20 : 170;

/// Rows of exponentials: y = e^2x, `rows` rows of `units` numbers that are `lead` apart, and
/// padded(units) in y, with 0 behind them. Sets beyond[i] where row i holds a number beyond the
/// limit; returns whether one does.
bool double_exponentials(const real* x, Index rows, Index units, Index lead, real* y,
                         std::uint8_t* beyond);

/// The scores of some queries against some positions.
struct ScoreTile {
  Index rows, columns, units;  ///< columns: whole vectors
  const real* a;               ///< A, rows of padded(units)
  const real* b_transposed;    ///< B (units, tile_size)
  const real* v;
  real* scores;  ///< (rows, columns)
};

/// scores = v . tanh(q + k).
void additive_scores(const ScoreTile& tile);

/// v . tanh(q + k) of one pair, by tanh.
real additive_score(const real* q, const real* k, const real* v, Index units);

/// The way back through a tile. With w = r - r^2:
///   q_sums_i += sum_j d_ij w_ij,  k_sums_j += sum_i d_ij w_ij,  v_sums += sum_ij d_ij r_ij.
/// The gradients of q and k are these times 4 v, that of v is sum d - 2 v_sums.
struct SlopeTile {
  Index rows, count, units;  ///< count: positions; rows of d and keep are padded(count) apart
  const real *a, *b;         ///< rows of padded(units)
  const real* d;             ///< the gradients of scores
  const std::uint8_t* keep;  ///< pairs to visit; null: all
  real *q_sums, *k_sums;     ///< rows of padded(units)
  real* v_sums;              ///< padded(units)
};
void additive_slopes(const SlopeTile& tile);

/// The same for one pair, by tanh.
struct SlopePair {
  Index units;
  const real *q, *k;
  real d;
  real *q_sums, *k_sums, *v_sums;
};
void additive_slopes(const SlopePair& pair);

/// y = cap tanh(x / cap).
void cap_scores(const real* x, Index count, real cap, real* y);
/// d *= 1 - (y / cap)^2.
void cap_slopes(const real* y, Index count, real cap, real* d);

/// Softmax over tiles of positions, one after the other: what is known of a row so far.
struct RunningSoftmax {
  real* largest;  ///< of its scores; -infinity before the first
  real* total;    ///< sum e^(score - largest)
  real* factor;   ///< what multiplies the results of earlier tiles
};

/// scores = e^(score - largest) for `rows` rows of whole vectors, which are taken into the rows'
/// softmax. A score of -infinity gives 0.
void add_to_softmax(Index rows, Index columns, real* scores, const RunningSoftmax& softmax);

/// weights = e^(score - largest) inverse for one row; 0 where the score is -infinity.
void weights_of(const real* scores, Index count, real largest, real inverse, real* weights);

/// The way back through softmax, for one row of a tile.
struct SoftmaxRow {
  Index count;
  real largest, inverse, mean;  ///< mean: sum w dw over the whole row
  const real* scores;
  const real* drops;     ///< what multiplies the weights; null: nothing
  const real* dweights;  ///< given to the weights themselves; null: nothing
  real* used;            ///< receives the weights times the drops
  real* d;               ///< gradients of what was used; receives those of the scores
};
void softmax_row_slopes(const SoftmaxRow& row);

/// Whether all numbers of a row are finite.
bool all_finite(const real* x, Index count);

/// The sum of x y, or of x where y is null.
real dot(const real* x, const real* y, Index count);

/// y (+)= factor x for one row of any length.
void scale_row(const real* x, real factor, Index count, real* y, bool add);

/// y (+)= 4 x v.
void times_4v(const real* x, const real* v, Index units, real* y, bool add);

}}}  // namespace fovea::kernels
