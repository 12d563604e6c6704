// Functions applied element by element: what a kernel looks like from outside, and the loops over
// arrays around it. The vector code of each function is with its op (ops/unary.cpp,
// ops/binary.cpp), on the bases of elementwise-inl.hpp.
#pragma once

#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Up to two numbers that a function takes besides its elements (a slope, bounds, an exponent).
struct Scalars {
  real a = 0, b = 0;
};

/// y = f(x), and dx (+)= dy f'. `kept` is x or y, whichever the slope needs; `left`: see ask_ahead.
struct UnaryKernel {
  void (*values)(const real* x, real* y, Index n, Index left, Scalars);
  void (*slopes)(const real* dy, const real* kept, real* dx, Index n, Index left, bool add,
                 Scalars);
  bool keeps_output;
};

/// c = f(a, b), and da (+)= dc df/da, db (+)= dc df/db. A stride is 1, or 0 for one number
/// repeated.
struct BinaryKernel {
  void (*values)(const real* a, Index stride_a, const real* b, Index stride_b, real* c, Index n);
  void (*slopes_a)(const real* dc, const real* a, Index stride_a, const real* b, Index stride_b,
                   real* da, Index n);
  void (*slopes_b)(const real* dc, const real* a, Index stride_a, const real* b, Index stride_b,
                   real* db, Index n);
};

/// Applies a kernel to `n` elements, in parallel.
void map_values(const UnaryKernel& kernel, const real* x, real* y, Index n, Scalars scalars);
void map_slopes(const UnaryKernel& kernel, const real* dy, const real* kept, real* dx, Index n,
                bool add, Scalars scalars);

/// y = f(y + b) over `rows` rows of b's `width` numbers, in parallel. Null for b leaves it out,
/// null for the kernel means y + b.
void add_row_and_map(const UnaryKernel* kernel, const real* b, real* y, Index rows, Index width);

/// c = f(a, b) over n elements each, in parallel.
void zip_dense(const BinaryKernel& kernel, const real* a, const real* b, real* c, Index n);

/// c = f(a, b) where `a` and `b` broadcast to `c`'s shape.
void zip_values(const BinaryKernel& kernel, View a, View b, MutableView c);

/// What one operand of zip_values gets, before the sum over the axes along which it was repeated:
/// `d` has dc's shape.
void zip_slopes(decltype(BinaryKernel::slopes_a) slopes, View dc, View a, View b, MutableView d);

/// y (+)= x, where x broadcasts to y's shape.
void copy(View x, MutableView y, bool add);

/// y = factor x, or y += factor x.
void scale(const real* x, real factor, real* y, Index n, bool add);

}}}  // namespace fovea::kernels
