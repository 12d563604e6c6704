// Losses, one value for each sample; the caller reduces over samples. Predictions come first.
#pragma once

#include <optional>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The treatment of class labels.
struct SparseCrossentropyOptions {
  real label_smoothing = 0;  ///< the part of each label that is spread evenly over all classes
  /// The label, not necessarily a class, whose loss and gradient are 0.
  std::optional<Index> ignored_label = {};
  Tensor class_weights = {};  ///< (classes,), constant: the factor of each class
};

/// Cross-entropy of class labels from logits z: log sum e^z - z[label]. logits (..., classes),
/// labels (...) -> (...). With options: sum_c t_c (log sum e^z - z_c), t_c = weight_c ((1 -
/// smoothing) [c = label] + smoothing / classes), as in PyTorch. Rows of an ignored label, or of a
/// label of weight 0 without smoothing, are not read. Throws IndexError for a label that is no
/// class.
Tensor sparse_categorical_crossentropy(const Tensor& logits, const Ids& labels,
                                       const SparseCrossentropyOptions& options = {});

/// Cross-entropy of class labels from probabilities, as Keras on TensorFlow computes it: p clipped
/// to [1e-7, 1 - 1e-7], then renormalised: log sum p - log p[label]. probabilities (..., classes),
/// labels (...) -> (...).
Tensor sparse_categorical_crossentropy_from_probabilities(
    const Tensor& probabilities, const Ids& labels, const SparseCrossentropyOptions& options = {});

/// The treatment of targets t: they become t (1 - smoothing) + smoothing / classes, with 2 classes
/// in binary cross-entropy.
struct CrossentropyOptions {
  real label_smoothing = 0;  ///< from 0 to 1
};

/// Cross-entropy of target distributions t from logits z: -sum_c t_c log_softmax(z)_c. Both (...,
/// classes) -> (...).
Tensor categorical_crossentropy(const Tensor& logits, const Tensor& targets,
                                CrossentropyOptions options = {});

/// Cross-entropy of target distributions from probabilities, in Keras' order: p renormalised, then
/// clipped to [1e-7, 1 - 1e-7]: -sum_c t_c log p_c. Both (..., classes) -> (...).
Tensor categorical_crossentropy_from_probabilities(const Tensor& probabilities,
                                                   const Tensor& targets,
                                                   CrossentropyOptions options = {});

/// -t log s - (1 - t) log(1 - s), s = sigmoid(logit), without overflow; the mean over the last
/// axis. Both (..., n) -> (...).
Tensor binary_crossentropy(const Tensor& logits, const Tensor& targets,
                           CrossentropyOptions options = {});

/// Binary cross-entropy from probabilities, clipped to [1e-7, 1 - 1e-7] as in Keras.
Tensor binary_crossentropy_from_probabilities(const Tensor& probabilities, const Tensor& targets,
                                              CrossentropyOptions options = {});

/// The mean of (p - t)^2 over the last axis. Both (..., n) -> (...), as in the next three.
Tensor mean_squared_error(const Tensor& predictions, const Tensor& targets);
/// The mean of |p - t|; derivative 0 where p = t.
Tensor mean_absolute_error(const Tensor& predictions, const Tensor& targets);
/// The mean of d^2 / 2 where |d| = |p - t| <= delta, delta (|d| - delta / 2) beyond. Throws
/// ValueError unless delta > 0.
Tensor huber(const Tensor& predictions, const Tensor& targets, real delta = 1);
/// The sum of t log(t / p), both clipped to [1e-7, 1] as in Keras.
Tensor kl_divergence(const Tensor& predictions, const Tensor& targets);

}}  // namespace fovea
