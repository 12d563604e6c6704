// Matrix products that end in a gradient.
#pragma once

#include "fovea/autograd/gradient.hpp"
#include "kernels/gemm.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// gradient += a b, of the gradient seen under the product's shape, which has as many elements.
inline void add_product(const View& a, const View& b, const Shape& product, Gradient& gradient) {
  const auto [view, add] = gradient.dense();
  kernels::gemm(a, b, {view.data, product, dense_strides(product)}, add);
}

}}}  // namespace fovea::ops
