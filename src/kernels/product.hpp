// One product of two matrices in memory, as BLAS has it.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// A matrix in memory. Element (row, column) is data[row * lead + column], or data[column * lead +
/// row] when transposed.
struct Matrix {
  const real* data;
  Index lead;
  bool is_transposed;

  /// The part that begins at (row, column).
  Matrix at(Index row, Index column) const {
    return {data + (is_transposed ? column * lead + row : row * lead + column), lead,
            is_transposed};
  }
};

/// c (+)= a b; (rows, inner) (inner, columns) -> (rows, columns). Rows of `c` are `lead` elements
/// apart.
struct Product {
  Matrix a, b;
  real* c;
  Index lead;
  Index rows, columns, inner;
  bool add;

  /// The product for `some_rows` rows of c and `some_columns` columns of it, from (row, column) on,
  /// over the same inner axis.
  Product block(Index row, Index column, Index some_rows, Index some_columns) const {
    return {a.at(row, 0),
            b.at(0, column),
            c + row * lead + column,
            lead,
            some_rows,
            some_columns,
            inner,
            add};
  }
};

}}}  // namespace fovea::kernels
