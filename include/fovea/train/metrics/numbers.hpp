// Metrics of numbers, and of directions and distributions. MeanSquaredError, MeanAbsoluteError and
// every other loss is a metric as well.
#pragma once

#include "fovea/train/metrics/metric.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// sqrt(mean (prediction - target)^2), over all elements. Targets have the predictions' shape, or
/// lack a last axis of size 1; ids are read as numbers.
struct RootMeanSquaredError {
  /// The name in the logs.
  std::string name = "root_mean_squared_error";

  using State = MeanState;  ///< of the squares
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the root.
  double result(const State& state) const;
  /// Throws ShapeError.
  void check(const Shape& prediction, const Samples& target) const;
};

/// Sums over the values of each output, for R2Score.
class R2State {
 public:
  /// Adds a target and its prediction. Outputs are numbered from 0.
  void add(Index output, double target, double prediction, double weight = 1);
  /// Adds the sums of another. An output that one of them lacks has sums of 0 there.
  R2State& operator+=(const R2State& other);

  /// Returns the number of outputs.
  Index outputs() const { return static_cast<Index>(of_.size()); }
  /// Returns 1 - sum (target - prediction)^2 / sum (target - mean target)^2 of an output. Where all
  /// targets are equal, 1 if all predictions are right, else 0, as in scikit-learn. Throws
  /// IndexError where there is no such output.
  double score(Index output) const;

  /// Returns numbers from which `set_values` makes the same sums.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);

 private:
  struct Sums {
    ExactSum weight = {}, target = {}, squares = {}, residual = {};
  };
  memory::List<Sums> of_;
};

/// The part of the targets' variance that the predictions explain, the mean over the outputs:
/// predictions (batch..., outputs), targets the same, or without a last axis of size 1. Exact sums
/// keep a small variance beside a large mean.
struct R2Score {
  /// The name in the logs.
  std::string name = "r2_score";

  using State = R2State;  ///< of each output
  /// Adds the positions that count.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the mean of the outputs' scores.
  double result(const State& state) const;
  /// Throws ShapeError.
  void check(const Shape& prediction, const Samples& target) const;
};

/// The cosine of the angle between prediction and target along the last axis, 1 for one direction
/// and -1 for opposite ones; 0 where one of them is all zeros. Predictions and targets
/// (batch..., n) -> (batch...). Keras' loss of this name has the opposite sign, its metric has not.
struct CosineSimilarity {
  /// The name in the logs.
  std::string name = "cosine_similarity";

  /// Returns a cosine for each row.
  Array operator()(const Array& prediction, const Samples& target) const;
  /// Throws ShapeError for any other pair of shapes.
  void check(const Shape& prediction, const Samples& target) const;
};

/// e^(mean cross-entropy): how many classes the model hesitates between. Predictions
/// (batch..., classes), labels or one-hot targets as in Accuracy. The cross-entropy is that of
/// SparseCategoricalCrossentropy and CategoricalCrossentropy, with their clipping of probabilities
/// below 1e-7; where a model ends in logits, give `.from_logits = true`.
struct Perplexity {
  /// Predictions are logits.
  bool from_logits = false;
  /// The name in the logs.
  std::string name = "perplexity";

  using State = MeanState;  ///< of the cross-entropies
  /// Adds the positions that count. Throws IndexError for a label that is no class.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the perplexity.
  double result(const State& state) const;
  /// Throws ShapeError.
  void check(const Shape& prediction, const Samples& target) const;
};

}}  // namespace fovea
