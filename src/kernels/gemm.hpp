// Matrix products on OpenBLAS: single-threaded calls over a grid of tiles that depends on the
// shapes and on OpenBLAS' kernels alone, so the result is the same bits on any number of threads.
// This file and blas_core.cpp are the only ones that know OpenBLAS.
#pragma once

#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// How products are cut: into tiles that kernels for small products take as they are, or into
/// stripes for kernels that pack. Both are right with any kernels; which is faster depends on them.
enum class Cut { small_kernels, packing };

/// c (+)= a b over the last two axes; (..., rows, inner) (..., inner, columns) -> (..., rows,
/// columns). The leading axes of `a` and `b` broadcast to those of `c` by strides 0. A matrix may
/// be transposed: one of its two strides is 1, or its size there is. `c` is dense. Throws
/// StateError where this OpenBLAS multiplies wrongly (known_products.hpp), and computes nothing
/// then.
void gemm(const View& a, const View& b, const MutableView& c, bool add);

/// The same with a cut of the caller's, so that tests see both on any processor.
void gemm(const View& a, const View& b, const MutableView& c, bool add, Cut cut);

/// How many threads OpenBLAS had when a product last set them to 1, or has if none did.
Index blas_threads();

}}}  // namespace fovea::kernels
