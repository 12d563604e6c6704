// Windows that slide over two axes of (batch, rows, columns, channels): gathered into a matrix,
// added back from it, their largest and their mean. One axis is the case of one row. Positions
// beyond the array are padding: 0 for gather, left out of the rest.
//
// Every task owns rows of what it writes, so nothing is added by two at once, in an order that
// depends on shapes alone.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// How windows of `size` elements, `dilation` apart, lie along an axis of `in` elements: number o
/// of `out` begins at o stride - before.
struct Slide {
  Index in, size, stride, dilation, before, out;
};

struct Windows {
  Index batch, channels;
  Slide rows, columns;
};

/// matrix (batch, rows.out, columns.out, rows.size, columns.size, channels) from x (batch, rows.in,
/// columns.in, channels).
void gather_windows(const Windows& windows, const real* x, real* matrix);

/// dx (+)= the elements of matrix, each where gather_windows took it from.
void add_windows(const Windows& windows, const real* matrix, real* dx, bool add);

/// y (batch, rows.out, columns.out, channels) = the largest of each window, and where it stands
/// (row * columns.in + column): the first of equals, the first NaN. The place of a NaN is kept as
/// its complement less 1; returns whether there is one.
bool max_windows(const Windows& windows, const real* x, real* y, std::int32_t* places);
/// dx (+)= dy at those places, NaN where a NaN was.
void max_windows_slopes(const Windows& windows, const real* dy, const std::int32_t* places,
                        bool has_nan, real* dx, bool add);

/// y = the mean of each window.
void mean_windows(const Windows& windows, const real* x, real* y);
void mean_windows_slopes(const Windows& windows, const real* dy, real* dx, bool add);

}}}  // namespace fovea::kernels
