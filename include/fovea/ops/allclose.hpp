// Whether two tensors are equal but for rounding: for tests.
#pragma once

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How far two elements may be apart; the defaults are NumPy's.
struct AllcloseOptions {
  double rtol = 1e-5;      ///< at most this part of |b| ...
  double atol = 1e-8;      ///< ... and this much besides
  bool equal_nan = false;  ///< whether NaN equals NaN
};

/// Returns whether all |a - b| <= atol + rtol |b|, as in NumPy; a and b broadcast. Infinities equal
/// those of the same sign. Throws ShapeError where the shapes do not broadcast, and ValueError for
/// a tolerance that is negative or NaN.
bool allclose(const Tensor& a, const Tensor& b, AllcloseOptions options = {});

}}  // namespace fovea
