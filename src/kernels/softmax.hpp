// Softmax and its logarithm along one axis, with their adjoints, and cross-entropy from logits.
//
// Note: row-max subtraction. e^x overflows from 88.7 (float) on, so the largest kept x of a row is subtracted first; the result
// is the same and no exponent is positive.
//
// A mask holds one byte per element, 1 to keep; null keeps all. Masked elements are never computed with, so a NaN there reaches
// nothing. A row that keeps nothing has weights 0 and gradient 0.
#pragma once

#include "kernels/reduce.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

/// y = e^x / sum e^x along the axis, over the kept elements; 0 elsewhere.
void softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y);

/// dx (+)= y (dy - sum y dy).
void softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis, real* dx, bool add);

/// y = x - log sum e^x along the axis, over the kept elements; -infinity elsewhere.
void log_softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y);

/// dx (+)= dy - e^y sum dy.
void log_softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis, real* dx, bool add);

/// For each of `rows` rows of `classes` logits z: log_sum = log sum e^z, loss = log_sum - z[label].
void cross_entropy(const real* z, const std::int32_t* labels, Index rows, Index classes, real* loss, real* log_sum);

/// dz (+)= dloss (e^(z - log_sum) - [label]).
void cross_entropy_slopes(const real* dloss, const real* z, const std::int32_t* labels, const real* log_sum, Index rows, Index classes, real* dz, bool add);

}  // namespace fovea::kernels
