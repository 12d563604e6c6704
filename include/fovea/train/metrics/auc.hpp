// The area under a curve, from all scores.
#pragma once

#include "fovea/train/metrics/metric.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The scores that AUC has seen, with their targets and weights.
class AucState {
 public:
  /// A score of one class.
  struct Score {
    Index class_id;  ///< whose score it is
    double score;    ///< not NaN
    double weight;   ///< above 0
    bool positive;   ///< whether the target is of the class

    /// Orders by class, score, target and weight, so that the order of the samples has no effect.
    auto operator<=>(const Score& other) const = default;
  };

  /// Adds a score. NaN makes every area NaN.
  void add(const Score& score);
  /// Adds the scores of another.
  AucState& operator+=(const AucState& other);

  /// Returns the area under the receiver operating characteristic, the mean over the classes that
  /// have both positives and negatives; NaN where there is none.
  double roc() const;
  /// Returns the average precision, the mean over the classes that have positives; NaN where there
  /// is none.
  double average_precision() const;

  /// Returns numbers from which `set_values` makes the same state.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);

 private:
  memory::List<Score> sorted() const;
  void sort();

  memory::List<Score> scores_;
  std::size_t in_order_ = 0;  // so many at the beginning are sorted
  bool has_nan_ = false;
};

/// The area under a curve over all thresholds, exact: that of Keras is a sum over 200 thresholds.
///
///     predictions            targets                             scores
///     (batch..., 1)          0 or 1, (batch..., 1) or (batch...) of one class
///     (batch..., classes)    labels (batch...) or (batch..., 1)  of each class against the rest
///     (batch..., classes)    0 or 1, (batch..., classes)         of each class by itself
///
/// Of several classes it is the mean of their areas. Equal scores are one threshold: in the ROC
/// curve, a positive and a negative that tie count one half. A class without positives has no area,
/// nor has one without negatives under the ROC curve: it is left out, and where none is left the
/// area is NaN (Keras gives 0). With a NaN among the scores it is NaN.
///
/// Scores are compared, so logits give the same area as probabilities of a sigmoid, but not of a
/// softmax. The state holds every score, 32 bytes each, and the area is computed for the logs of
/// each batch: in a long epoch of many batches, watch it in validation.
struct AUC {
  /// Which curve.
  enum class Curve {
    roc,  ///< true positives over false positives: scikit-learn's roc_auc_score
    pr    ///< precision over recall, summed without interpolation: its average_precision_score
  };

  /// Which curve.
  Curve curve = Curve::roc;
  /// One class alone; none: all.
  std::optional<Index> class_id = {};
  /// The name in the logs.
  std::string name = "auc";

  using State = AucState;  ///< all scores
  /// Adds the positions that count. Throws IndexError for a label that is no class, ValueError for
  /// another target than 0 and 1.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const;
  /// Returns the area.
  double result(const State& state) const;
  /// Throws ShapeError, and IndexError for a class that does not exist.
  void check(const Shape& prediction, const Samples& target) const;
};

}}  // namespace fovea
