// What tiled attention does to one tile, in vectors: products, softmax in base 2, gradients. Tiles
// have whole vectors of columns, of which those beyond the data are 0 or dropped.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace tile {

constexpr Index queries = 64, positions = 128;  ///< of a tile, at most
constexpr Index unit = 64 / sizeof(real);       ///< numbers in the widest vector

/// The distance of rows that hold `width` numbers.
constexpr Index lead(Index width) { return (width + unit - 1) / unit * unit; }

/// c (+)= a b, for `rows` rows of c and `columns`, a multiple of `unit`. Element (i, k) of a is
/// a[i * lead_a + k], or a[k * lead_a + i] when transposed. Every element is one sum in the order
/// of k, whatever the sizes.
struct Product {
  const real* a;
  Index lead_a;
  bool is_transposed;
  const real* b;
  Index lead_b;
  real* c;
  Index lead_c;
  Index rows, columns, inner;
  bool add;
};
void multiply(const Product& product);

/// to = factor x, rows `lead_x` and lead(width) apart, with 0 behind them and for what is not
/// finite. Returns whether all was finite.
bool pack(const real* x, Index lead_x, Index rows, Index width, real factor, real* to);

/// Rows that are `lead` apart.
struct Matrix {
  const real* data;
  Index lead, rows, width;
};

/// Whether all of it is finite.
bool is_finite(const Matrix& x);

/// to_i = x_i . y_i
void dots(const Matrix& x, const real* y, Index lead_y, real* to);

/// A factor for each row: `step` is 0 where all have the same.
struct Factors {
  const real* data;
  Index step;
};

/// to_i (+)= factor_i x_i
void put(const Matrix& x, const Factors& factors, real* to, Index lead_to, bool add);

/// Scores of a tile, `positions` apart.
struct Scores {
  real* s;
  Index rows, columns;
};

/// s = factor tanh s; tanh s is left at `t`.
void cap(const Scores& scores, real factor, real* t);
/// s += log2 e times the bias, elements of which are `step` apart; -infinity drops, whatever s is.
void add_bias(const Scores& scores, const real* bias, Index row, Index step, Index count);
/// What is known of the rows of a tile: the largest score, the sum of powers, the sum of values.
struct Running {
  real *largest, *sum, *values;
  Index lead;
};
/// Softmax one tile further: s = 2^(s - largest), with what was summed before scaled to a new
/// largest.
void go_on(const Scores& scores, const Running& running);
/// s = 2^(s - l), l one number a row; 0 where s is -infinity, whatever l is.
void weigh(const Scores& scores, const real* l);
/// ds = p (ds - d), d one number a row.
void slopes(const Scores& ds, const real* p, const real* d);
/// ds *= 1 - t^2.
void cap_slopes(const Scores& ds, const real* t);

}}}}  // namespace fovea::kernels::tile
