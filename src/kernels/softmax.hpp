// Softmax and its logarithm along one axis, with their adjoints; the logarithm of a sum of
// exponentials, and cross-entropy from logits.
//
// Note: row-max subtraction. e^x overflows from 88.7 (float) on, so the largest kept x of a row is
// subtracted first; the result is the same and no exponent is positive.
//
// A mask holds one byte per element, 1 to keep; null keeps all. Masked elements are never computed
// with, so a NaN there reaches nothing. A row that keeps nothing has weights 0 and gradient 0.
#pragma once

#include <optional>

#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// y = e^x / sum e^x along the axis, over the kept elements; 0 elsewhere.
void softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y);

/// dx (+)= y (dy - sum y dy).
void softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis,
                    real* dx, bool add);

/// y = x - log sum e^x along the axis, over the kept elements; -infinity elsewhere.
void log_softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y);

/// dx (+)= dy - e^y sum dy.
void log_softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis,
                        real* dx, bool add);

/// y = log sum e^x of each of `rows` rows of `length` numbers; -infinity for an empty row.
void log_sum_exp(const real* x, Index rows, Index length, real* y);

/// dx (+)= dy e^(x - y).
void log_sum_exp_slopes(const real* dy, const real* x, const real* y, Index rows, Index length,
                        real* dx, bool add);

/// Labels, and the distribution t that each of them stands for: 1 - smoothing at the label and
/// smoothing spread evenly over all classes, each class times its weight (1 without weights). The
/// label `ignored` stands for nothing.
struct Labels {
  const std::int32_t* labels;
  std::optional<Index> ignored = {};
  const real* weights = nullptr;
  real smoothing = 0;

  /// Whether nothing of a row counts: its label is the ignored one, or has weight 0.
  bool ignores(Index row) const {
    return (ignored && labels[row] == *ignored) ||
           (weights && smoothing == 0 && weights[labels[row]] == 0);
  }
  real weight(Index row) const {
    return (1 - smoothing) * (weights ? weights[labels[row]] : real(1));
  }
};

/// For each of `rows` rows of `classes` logits z: log_sum = log sum e^z, loss = sum_c t_c (log_sum
/// - z_c), which is log_sum - z[label] without options. Rows ignored are not looked at; their loss
/// is 0.
void cross_entropy(const real* z, const Labels& labels, Index rows, Index classes, real* loss,
                   real* log_sum);

/// Logits and what cross_entropy gave for them.
struct CrossEntropy {
  const real *z, *log_sum;
  Index rows, classes;
};

/// dz (+)= dloss (e^(z - log_sum) sum_c t_c - t).
void cross_entropy_slopes(const real* dloss, const CrossEntropy& forward, const Labels& labels,
                          real* dz, bool add);

}}}  // namespace fovea::kernels
