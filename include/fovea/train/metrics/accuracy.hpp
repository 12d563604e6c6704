// Accuracies: the part of the predictions that are right.
#pragma once

#include "fovea/train/metrics/metric.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// 1 where a prediction is right, else 0. The shapes say what is meant, as in Keras:
///
///     predictions            targets                             right is
///     (batch..., classes)    labels (batch...) or (batch..., 1)  the most probable class
///     (batch..., classes)    (batch..., classes)                 the most probable class of both
///     (batch..., 1)          (batch..., 1) or (batch...)         1 above the threshold, else 0
///
/// Targets may be ids or numbers. Among equals the lowest class counts. A prediction with a NaN in
/// it is never right, nor is one whose target holds a NaN. Logits give the same classes as
/// probabilities; a single unit needs `.threshold = 0` for them. Several yes-or-no units come under
/// the second rule: BinaryAccuracy takes them one by one.
struct Accuracy {
  /// Of a single unit. 0 where the model gives logits.
  real threshold = real(0.5);
  /// The name in the logs.
  std::string name = "accuracy";

  /// Returns 1 or 0 for each label.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes.
  void check(const Shape& prediction, const Samples& target) const;
};

/// Accuracy for labels alone: predictions (batch..., classes), labels (batch...) or (batch..., 1).
struct SparseCategoricalAccuracy {
  /// The name in the logs.
  std::string name = "sparse_categorical_accuracy";

  /// Returns 1 or 0 for each label.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes.
  void check(const Shape& prediction, const Samples& target) const;
};

/// Accuracy for one-hot targets alone: predictions and targets (batch..., classes).
struct CategoricalAccuracy {
  /// The name in the logs.
  std::string name = "categorical_accuracy";

  /// Returns 1 or 0 for each row of classes.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes.
  void check(const Shape& prediction, const Samples& target) const;
};

/// The part of yes-or-no units that are right: predictions (batch..., units), targets of the same
/// shape, or without a last axis of size 1. A unit says 1 above the threshold, else 0; so a
/// prediction of exactly the threshold says 0, as in Keras.
struct BinaryAccuracy {
  /// 0 where the model gives logits.
  real threshold = real(0.5);
  /// The name in the logs.
  std::string name = "binary_accuracy";

  /// Returns the mean over the last axis.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes, ValueError for a threshold of NaN.
  void check(const Shape& prediction, const Samples& target) const;
};

/// 1 where the label is among the k most probable classes: predictions (batch..., classes), labels
/// (batch...) or (batch..., 1). Among equals the lower class comes first, as in Accuracy; Keras on
/// TensorFlow takes all that tie with the k-th. A prediction with a NaN in it is never right.
struct SparseTopKCategoricalAccuracy {
  /// At least 1. As many as there are classes, or more: always right.
  Index k = 5;
  /// The name in the logs.
  std::string name = "sparse_top_k_categorical_accuracy";

  /// Returns 1 or 0 for each label.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes, ValueError for a k below 1.
  void check(const Shape& prediction, const Samples& target) const;
};

/// The same for one-hot targets: predictions and targets (batch..., classes).
struct TopKCategoricalAccuracy {
  /// At least 1. As many as there are classes, or more: always right.
  Index k = 5;
  /// The name in the logs.
  std::string name = "top_k_categorical_accuracy";

  /// Returns 1 or 0 for each row of classes.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes, ValueError for a k below 1.
  void check(const Shape& prediction, const Samples& target) const;
};

}}  // namespace fovea
