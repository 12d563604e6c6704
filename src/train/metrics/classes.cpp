// Precision, recall, F-beta and intersection over union from counts of classes.
#include "fovea/train/metrics/classes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "train/metrics/class_pairs.hpp"
#include "train/metrics/class_targets.hpp"
#include "train/metrics/saved_values.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double precision_of(const ClassCounts& counts, Index class_id, double) {
  return counts.precision(class_id);
}
double recall_of(const ClassCounts& counts, Index class_id, double) {
  return counts.recall(class_id);
}
double f_beta_of(const ClassCounts& counts, Index class_id, double beta) {
  return counts.f_beta(class_id, beta);
}

}  // namespace

void ClassCounts::add(Index target, Index predicted, double weight) {
  if (target >= 0) of_[static_cast<std::size_t>(target)].actual += weight;
  if (predicted >= 0) of_[static_cast<std::size_t>(predicted)].predicted += weight;
  if (target >= 0 && target == predicted) of_[static_cast<std::size_t>(target)].right += weight;
}

void ClassCounts::add_cells(std::span<const ExactSum> cells) {
  const std::size_t classes = of_.size();
  for (std::size_t label = 0; label < classes; ++label)
    for (std::size_t predicted = 0; predicted <= classes; ++predicted) {
      const ExactSum& cell = cells[label * (classes + 1) + predicted];
      of_[label].actual += cell;
      if (predicted < classes) of_[predicted].predicted += cell;
      if (predicted == label) of_[label].right += cell;
    }
}

ClassCounts& ClassCounts::operator+=(const ClassCounts& other) {
  if (other.of_.empty()) return *this;
  if (of_.empty()) of_.resize(other.of_.size());
  if (of_.size() != other.of_.size())
    throw ShapeError(fmt::format(
        "ClassCounts: counts of {} classes are added to those of {}; the numbers must be equal",
        other.of_.size(), of_.size()));
  for (std::size_t i = 0; i < of_.size(); ++i) {
    of_[i].right += other.of_[i].right;
    of_[i].predicted += other.of_[i].predicted;
    of_[i].actual += other.of_[i].actual;
  }
  return *this;
}

ClassCounts ClassCounts::together() const {
  ClassCounts result(1);
  for (const Counts& each : of_) {
    result.of_[0].right += each.right;
    result.of_[0].predicted += each.predicted;
    result.of_[0].actual += each.actual;
  }
  return result;
}

std::size_t ClassCounts::position(Index class_id) const {
  if (class_id < 0 || class_id >= classes())
    throw IndexError(
        fmt::format("ClassCounts: there is no class {}; there are {}", class_id, classes()));
  return static_cast<std::size_t>(class_id);
}

double ClassCounts::precision(Index class_id) const {
  const Counts& own = of_[position(class_id)];
  return ratio(own.right.value(), own.predicted.value());
}

double ClassCounts::recall(Index class_id) const {
  const Counts& own = of_[position(class_id)];
  return ratio(own.right.value(), own.actual.value());
}

double ClassCounts::f_beta(Index class_id, double beta) const {
  const Counts& own = of_[position(class_id)];
  const double square = beta * beta;
  return ratio((1 + square) * own.right.value(),
               square * own.actual.value() + own.predicted.value());
}

double ClassCounts::iou(Index class_id) const {
  const Counts& own = of_[position(class_id)];
  const double right = own.right.value(),
               either = own.actual.value() + own.predicted.value() - right;
  return either > 0 ? right / either : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> ClassCounts::values() const {
  metrics::SavedValues saved;
  saved.add(static_cast<double>(of_.size()));
  for (const Counts& each : of_) {
    saved.add(each.right);
    saved.add(each.predicted);
    saved.add(each.actual);
  }
  return saved.values();
}

void ClassCounts::set_values(std::span<const double> values) {
  metrics::ReadValues read("ClassCounts", values);
  ClassCounts counts(static_cast<Index>(read.take_count(read.left())));
  for (Counts& each : counts.of_) {
    read.take(each.right);
    read.take(each.predicted);
    read.take(each.actual);
  }
  read.finish();
  *this = std::move(counts);
}

void metrics::add(ClassCounts& counts, std::string_view metric, const ClassOptions& options,
                  const Array& prediction, const Samples& target,
                  const CountedPositions& positions) {
  const Index classes = classes_of(options, prediction.shape());
  if (counts.classes() == 0) counts = ClassCounts(classes);
  if (counts.classes() != classes)
    throw ShapeError(fmt::format("{}: expected predictions of {} classes, as before, got {}",
                                 metric, counts.classes(), classes));
  each_pair(
      metric, options, prediction, target, positions,
      [&](Index label, Index predicted, double weight) { counts.add(label, predicted, weight); });
}

void metrics::check(const ClassScore& score, const Shape& prediction, const Samples& target) {
  const ClassTargets kind = class_targets(score.metric, prediction, target.shape());
  if (score.threshold) {
    check_threshold(score.metric, *score.threshold);
    if (kind == ClassTargets::labels)
      throw ValueError(
          fmt::format("{}: a threshold is given, and targets are labels; leave it out, or give "
                      "one-hot targets",
                      score.metric));
  }
  if (score.class_id && !(*score.class_id >= 0 && *score.class_id < prediction[-1]))
    throw IndexError(fmt::format("{}: class_id is {}; there are {} classes", score.metric,
                                 *score.class_id, prediction[-1]));
}

double metrics::average(const ClassScore& score, const ClassCounts& counts,
                        double (*value)(const ClassCounts& counts, Index class_id, double beta),
                        double beta) {
  if (counts.classes() == 0) return 0;
  if (score.class_id) return value(counts, *score.class_id, beta);
  if (score.average == Average::micro) return value(counts.together(), 0, beta);
  double sum = 0, weights = 0;
  for (Index k = 0; k < counts.classes(); ++k) {
    const double weight = score.average == Average::weighted ? counts.support(k) : 1;
    sum += weight * value(counts, k, beta);
    weights += weight;
  }
  return ratio(sum, weights);
}

void Precision::update(State& state, const Array& prediction, const Samples& target,
                       const CountedPositions& counts) const {
  metrics::add(state, name, {.threshold = threshold}, prediction, target, counts);
}
double Precision::result(const State& state) const {
  return metrics::average({name, average, class_id, threshold}, state, precision_of);
}
void Precision::check(const Shape& prediction, const Samples& target) const {
  metrics::check({name, average, class_id, threshold}, prediction, target);
}

void Recall::update(State& state, const Array& prediction, const Samples& target,
                    const CountedPositions& counts) const {
  metrics::add(state, name, {.threshold = threshold}, prediction, target, counts);
}
double Recall::result(const State& state) const {
  return metrics::average({name, average, class_id, threshold}, state, recall_of);
}
void Recall::check(const Shape& prediction, const Samples& target) const {
  metrics::check({name, average, class_id, threshold}, prediction, target);
}

void FBetaScore::update(State& state, const Array& prediction, const Samples& target,
                        const CountedPositions& counts) const {
  metrics::add(state, name, {.threshold = threshold}, prediction, target, counts);
}
double FBetaScore::result(const State& state) const {
  return metrics::average({name, average, class_id, threshold}, state, f_beta_of, beta);
}
void FBetaScore::check(const Shape& prediction, const Samples& target) const {
  if (!(beta > 0 && std::isfinite(beta * beta)))
    throw ValueError(fmt::format("{}: beta is {}; it must be finite and above 0", name, beta));
  metrics::check({name, average, class_id, threshold}, prediction, target);
}

void F1Score::update(State& state, const Array& prediction, const Samples& target,
                     const CountedPositions& counts) const {
  metrics::add(state, name, {.threshold = threshold}, prediction, target, counts);
}
double F1Score::result(const State& state) const {
  return metrics::average({name, average, class_id, threshold}, state, f_beta_of);
}
void F1Score::check(const Shape& prediction, const Samples& target) const {
  metrics::check({name, average, class_id, threshold}, prediction, target);
}

void MeanIoU::update(State& state, const Array& prediction, const Samples& target,
                     const CountedPositions& counts) const {
  metrics::add(state, name, {.threshold = threshold, .both = true}, prediction, target, counts);
}
double MeanIoU::result(const State& state) const {
  double sum = 0;
  Index classes = 0;
  for (Index k = 0; k < state.classes(); ++k)
    if (const double iou = state.iou(k); !std::isnan(iou)) {
      sum += iou;
      ++classes;
    }
  return classes > 0 ? sum / static_cast<double>(classes) : 0;
}
void MeanIoU::check(const Shape& prediction, const Samples& target) const {
  metrics::check({name, Average::macro, {}, threshold}, prediction, target);
}

}}  // namespace fovea
