// Sums and products one after the other.
#pragma once

#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// y (+)= the sum of x up to and with each position along the axis, or of x from each position on.
/// One after the other.
void cumulative_sum(const real* x, AlongAxis axis, bool from_the_end, real* y, bool add);

/// y = the product of x up to and with each position along the axis, one after the other.
void cumulative_product(const real* x, AlongAxis axis, real* y);

/// dx (+)= the gradient of cumulative_product: the product y of what stands before a position,
/// times d[t] = dy[t] + x[t + 1] d[t + 1]. Nothing is divided by, so that zeros are no exception.
void cumulative_product_slopes(const real* dy, const real* x, const real* y, AlongAxis axis,
                               real* dx, bool add);

/// y = the product of each of `rows` rows of `length` numbers, one after the other; 1 for an empty
/// row.
void product(const real* x, Index rows, Index length, real* y);

/// dx (+)= dy times the product of the row's other numbers: of those before and those behind, so
/// that zeros are no exception.
void product_slopes(const real* dy, const real* x, Index rows, Index length, real* dx, bool add);

}}}  // namespace fovea::kernels
