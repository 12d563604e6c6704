// Metrics of classes from counts: precision, recall, F-beta, intersection over union, and the
// confusion matrix.
#pragma once

#include "fovea/train/metrics/metric.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// For each class how many targets and predictions are of it, and how many of both: the state of
/// the metrics below. Samples count with their weights, if they have any.
///
/// Where a denominator is 0 the value is 0, as scikit-learn's zero_division = 0.
class ClassCounts {
 public:
  /// Has no classes until something is added.
  ClassCounts() = default;
  /// Has counts of 0.
  explicit ClassCounts(Index classes) : of_(static_cast<std::size_t>(classes)) {}

  /// Returns the number of classes.
  Index classes() const { return static_cast<Index>(of_.size()); }
  /// Adds a target and a prediction; -1 stands for no class. Unchecked.
  void add(Index target, Index predicted, double weight = 1);
  /// Adds the cells of a confusion matrix, (classes, classes and, last, no class). Unchecked.
  void add_cells(std::span<const ExactSum> cells);
  /// Adds counts of the same classes. Throws ShapeError unless there are as many, or none on a
  /// side.
  ClassCounts& operator+=(const ClassCounts& other);

  /// Returns the sums over all classes, as one class: for micro averages.
  ClassCounts together() const;

  /// Returns how many targets are of a class. Throws IndexError where there is no such class, as
  /// the functions below do.
  double support(Index class_id) const { return of_[position(class_id)].actual.value(); }
  /// Returns right / predicted.
  double precision(Index class_id) const;
  /// Returns right / actual.
  double recall(Index class_id) const;
  /// Returns (1 + beta^2) right / (beta^2 actual + predicted), the weighted harmonic mean of
  /// precision and recall.
  double f_beta(Index class_id, double beta = 1) const;
  /// Returns right / (actual + predicted - right), intersection over union. NaN where the class
  /// occurs neither in targets nor in predictions.
  double iou(Index class_id) const;

  /// Returns numbers from which `set_values` makes the same counts.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);

 private:
  struct Counts {
    ExactSum right = {}, predicted = {}, actual = {};
  };
  std::size_t position(Index class_id) const;  // throws where there is no such class

  memory::List<Counts> of_;
};

/// How the values of classes become one.
enum class Average {
  macro,    ///< their mean; classes that never occur count, with value 0
  micro,    ///< the value of the sums of counts over all classes
  weighted  ///< their mean, weighted by the number of targets of each
};

/// Predictions and targets are as in Accuracy. What a prediction says:
///
///     predictions            targets                             what is counted
///     (batch..., classes)    labels (batch...) or (batch..., 1)  the most probable class
///     (batch..., classes)    (batch..., classes)                 the most probable class of both
///     (batch..., classes)    (batch..., classes), `threshold`    each class by itself, yes or no
///     (batch..., 1)          (batch..., 1) or (batch...)         one class: 1 above the threshold
///
/// A prediction with a NaN in it is of no class. A unit is yes above the threshold, so a prediction
/// of exactly the threshold is no, as in Keras. Keras' Precision and Recall always take a
/// threshold, here several classes are compared as in its F1Score unless one is given.
///
/// Throws IndexError for a label that counts and is no class, ValueError for a yes-or-no target
/// other than 0 and 1.
struct ClassOptions {
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// Whether a single unit is two classes, no and yes, in place of one.
  bool both = false;
};

namespace metrics {

/// Adds to counts what ClassOptions says. `metric` begins the messages.
void add(ClassCounts& counts, std::string_view metric, const ClassOptions& options,
         const Array& prediction, const Samples& target, const CountedPositions& positions);

/// How the value of a metric of classes is made.
struct ClassScore {
  std::string_view metric;        ///< its name, for messages
  Average average;                ///< over classes
  std::optional<Index> class_id;  ///< of one class alone
  std::optional<real> threshold;  ///< as in ClassOptions
};

/// Throws ShapeError, IndexError for a class that does not exist, ValueError for a threshold of
/// NaN.
void check(const ClassScore& score, const Shape& prediction, const Samples& target);
/// Returns the average over classes of `value(counts, class)`; 0 of nothing.
double average(const ClassScore& score, const ClassCounts& counts,
               double (*value)(const ClassCounts& counts, Index class_id, double beta),
               double beta = 1);

}  // namespace metrics

/// Of what is predicted to be of a class, the part that is. ClassOptions says what is counted.
struct Precision {
  /// Of several classes.
  Average average = Average::macro;
  /// One class alone, such as 2; none: all.
  std::optional<Index> class_id = {};
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// The name in the logs.
  std::string name = "precision";

  using State = ClassCounts;  ///< for each class
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the precision.
  double result(const State& state) const;
  /// Throws ShapeError, IndexError for a class that does not exist, ValueError for a threshold of
  /// NaN.
  void check(const Shape& prediction, const Samples& target) const;
};

/// Of what is of a class, the part that is predicted to be. ClassOptions says what is counted.
struct Recall {
  /// Of several classes.
  Average average = Average::macro;
  /// One class alone, such as 2; none: all.
  std::optional<Index> class_id = {};
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// The name in the logs.
  std::string name = "recall";

  using State = ClassCounts;  ///< for each class
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the recall.
  double result(const State& state) const;
  /// Throws as Precision does.
  void check(const Shape& prediction, const Samples& target) const;
};

/// (1 + beta^2) precision recall / (beta^2 precision + recall). ClassOptions says what is counted.
struct FBetaScore {
  /// How much recall counts against precision: finite, above 0.
  double beta = 1;
  /// Of several classes. Keras' default is a list of all; ConfusionMatrix has those.
  Average average = Average::macro;
  /// One class alone, such as 2; none: all.
  std::optional<Index> class_id = {};
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// The name in the logs.
  std::string name = "fbeta_score";

  using State = ClassCounts;  ///< for each class
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the score.
  double result(const State& state) const;
  /// Throws as Precision does, and ValueError for a beta out of range.
  void check(const Shape& prediction, const Samples& target) const;
};

/// FBetaScore with beta 1: 2 precision recall / (precision + recall).
struct F1Score {
  /// Of several classes. Keras' default is a list of all; ConfusionMatrix has those.
  Average average = Average::macro;
  /// One class alone, such as 2; none: all.
  std::optional<Index> class_id = {};
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// The name in the logs.
  std::string name = "f1_score";

  using State = ClassCounts;  ///< for each class
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the score.
  double result(const State& state) const;
  /// Throws as Precision does.
  void check(const Shape& prediction, const Samples& target) const;
};

/// The mean over classes of intersection over union: targets and predictions of a class, by those
/// of either. Classes that occur in neither are left out, as in Keras. A single unit is two
/// classes, no and yes, as in Keras' BinaryIoU.
struct MeanIoU {
  /// Where a unit says yes; none: 0.5 of a single unit, and the most probable class of several.
  std::optional<real> threshold = {};
  /// The name in the logs.
  std::string name = "mean_io_u";

  using State = ClassCounts;  ///< for each class
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the mean; 0 where no class occurs.
  double result(const State& state) const;
  /// Throws as Precision does.
  void check(const Shape& prediction, const Samples& target) const;
};

/// How often each class was predicted for targets of each class, for use beside fit:
///
///     ConfusionMatrix matrix;
///     matrix.add(model.predict(x), y);
///     matrix.at(2, 0);               // targets of class 2 that were predicted as class 0
///     matrix.counts().precision(2);
class ConfusionMatrix {
 public:
  /// Has no classes until something is added.
  ConfusionMatrix() = default;
  /// Has counts of 0.
  explicit ConfusionMatrix(Index classes);

  /// Adds predictions, as ClassOptions says; a single unit is two classes, 0 and 1. Throws as
  /// Precision does, and ShapeError for other classes than before.
  void add(const Array& prediction, const Samples& target, const CountedPositions& counts = {});
  /// Adds counts of the same classes. Throws ShapeError unless there are as many, or none on a
  /// side.
  ConfusionMatrix& operator+=(const ConfusionMatrix& other);

  /// Returns the number of classes.
  Index classes() const { return classes_; }
  /// Returns how many targets of class `label` were predicted as class `predicted`. Throws
  /// IndexError where there is no such class.
  double at(Index label, Index predicted) const;
  /// Returns all counts, (labels, predicted).
  Array array() const;
  /// Returns the counts of each class, with its precision, recall, F-beta and more.
  ClassCounts counts() const;

  /// Returns numbers from which `set_values` makes the same matrix.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);

 private:
  Index classes_ = 0;
  memory::List<ExactSum> cells_;  // (labels, predicted and, last, no class)
};

}}  // namespace fovea
