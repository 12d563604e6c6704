// Matrix products on OpenBLAS. gemm.cpp is the only file that knows it: calls are single-threaded, over a grid of tiles that
// depends on the shapes and the library alone, so the result is the same bits on any number of threads.
#pragma once

#include <string>

#include "fovea/shape/view.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

/// c (+)= a b over the last two axes; (..., rows, inner) (..., inner, columns) -> (..., rows, columns). The leading axes of `a`
/// and `b` broadcast to those of `c` by strides 0. A matrix may be transposed: one of its two strides is 1, or its size there
/// is. `c` is dense.
void gemm(const View& a, const View& b, const MutableView& c, bool add);

/// Name and build of the OpenBLAS at hand, and the processor core that it runs for: "OpenBLAS 0.3.21 ... core SkylakeX".
std::string gemm_library();

}  // namespace fovea::kernels
