// What metrics do at the edges: NaN, nothing, classes that never occur, thresholds, ties, logits.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/ops/ops.hpp"
#include "fovea/train/losses.hpp"
#include "metrics/states.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using doctest::Approx;
using states::of_all;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN();

Array column(const std::vector<real>& values) {
  return Array(Shape{static_cast<Index>(values.size()), 1}, values);
}
Ids labels(const std::vector<std::int32_t>& values) {
  return Ids(Shape{static_cast<Index>(values.size())}, values);
}

// All metrics with a name, for predictions (samples, 3) and labels.
std::vector<Metric> of_labels() {
  return {Accuracy{},
          SparseCategoricalAccuracy{},
          SparseTopKCategoricalAccuracy{},
          Precision{},
          Recall{},
          FBetaScore{},
          F1Score{},
          MeanIoU{},
          AUC{},
          Perplexity{},
          SparseCategoricalCrossentropy{}};
}

// For predictions and targets (samples, 1).
std::vector<Metric> of_units() {
  return {Accuracy{},
          BinaryAccuracy{},
          Precision{},
          Recall{},
          F1Score{},
          MeanIoU{},
          AUC{},
          MeanAbsoluteError{},
          MeanSquaredError{},
          RootMeanSquaredError{},
          R2Score{},
          CosineSimilarity{}};
}

// The area under the ROC curve by its definition: pairs in the right order, ties count one half.
double pairs_in_order(const std::vector<real>& scores, const std::vector<std::int32_t>& targets) {
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (std::size_t j = 0; j < scores.size(); ++j)
      if (targets[i] == 1 && targets[j] == 0) {
        ++pairs;
        right += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      }
  return right / pairs;
}

template <class E, class M>
std::string told(const M& metric, const Array& prediction, const Samples& target) {
  return support::refusal<E>([&] { of_all(metric, prediction, target); });
}

template <class E, class M>
std::string told_by_check(const M& metric, const Shape& prediction, const Samples& target) {
  return support::refusal<E>([&] { Metric(metric).check(prediction, target); });
}

}  // namespace

TEST_CASE("every metric is 0 of nothing: no samples, all masked, or all of weight 0") {
  const Array p = Array::full({4, 3}, not_a_number), u = Array::full({4, 1}, not_a_number);
  const Samples classes = labels({0, 0, 0, 0}), units = u;
  const Mask none(Shape{4}, {0, 0, 0, 0});
  const std::vector<double> zeros(4, 0.0);
  for (const CountedPositions& nothing :
       {CountedPositions(none), CountedPositions(std::nullopt, zeros)}) {
    for (const Metric& metric : of_labels()) {
      const auto total = metric.total();
      total->add(p, classes, nothing);
      total->add(p.rows(0, 0), classes.rows(0, 0));
      CHECK_MESSAGE(total->value() == 0, metric.name());
    }
    for (const Metric& metric : of_units()) {
      const auto total = metric.total();
      total->add(u, units, nothing);
      CHECK_MESSAGE(total->value() == 0, metric.name());
    }
  }
}

TEST_CASE("a prediction with a NaN is of no class, and makes areas and errors NaN") {
  const Array p({3, 2}, {1, 0, 0, not_a_number, 0, 1});
  const Samples y = labels({0, 1, 1});
  CHECK(of_all(SparseCategoricalAccuracy{}, p, y) == Approx(2.0 / 3));
  CHECK(of_all(SparseTopKCategoricalAccuracy{.k = 2}, p, y) == Approx(2.0 / 3));
  CHECK(of_all(Precision{}, p, y) == 1);
  CHECK(of_all(Recall{}, p, y) == 0.75);
  CHECK(of_all(MeanIoU{}, p, y) == 0.75);
  CHECK(of_all(Precision{.average = Average::micro}, p, y) == 1);
  CHECK(of_all(Recall{.average = Average::micro}, p, y) == Approx(2.0 / 3));
  CHECK(std::isnan(of_all(AUC{}, p, y)));
  CHECK(std::isnan(of_all(AUC{.curve = AUC::Curve::pr}, p, y)));
  AucState with_nan, without;
  with_nan.add({0, std::numeric_limits<double>::quiet_NaN(), 1, true});
  without.add({0, 0.5, 1, true});
  without.add({0, 0.25, 1, false});
  CHECK(without.roc() == 1);
  CHECK(std::isnan((without += with_nan).roc()));
  ConfusionMatrix matrix;
  matrix.add(p, y);
  CHECK((matrix.at(0, 0) == 1 && matrix.at(1, 1) == 1 && matrix.at(1, 0) == 0));
  CHECK((matrix.counts().support(1) == 2 && matrix.counts().recall(1) == 0.5));
  const Array u = column({real(0.9), not_a_number, real(0.1)});
  const Samples t = labels({1, 1, 0});
  CHECK(of_all(BinaryAccuracy{}, u, t) == Approx(2.0 / 3));
  CHECK((of_all(Precision{}, u, t) == 1 && of_all(Recall{}, u, t) == 0.5));
  CHECK(std::isnan(of_all(RootMeanSquaredError{}, u, t)));
  CHECK(std::isnan(of_all(MeanAbsoluteError{}, u, t)));
  CHECK(std::isnan(of_all(R2Score{}, u, t)));
  CHECK(std::isnan(of_all(CosineSimilarity{}, u, t)));
  CHECK(std::isnan(of_all(Perplexity{}, p, y)));
}

TEST_CASE("a class that never occurs has precision, recall and F 0, and no intersection") {
  const Array p({3, 3}, {1, 0, 0, 1, 0, 0, 0, 0, 1});
  const Samples y = labels({0, 0, 2});
  CHECK(of_all(Precision{}, p, y) == Approx(2.0 / 3));
  CHECK(of_all(Recall{}, p, y) == Approx(2.0 / 3));
  CHECK(of_all(F1Score{}, p, y) == Approx(2.0 / 3));
  CHECK(of_all(F1Score{.average = Average::weighted}, p, y) == 1);
  CHECK(of_all(F1Score{.class_id = 1}, p, y) == 0);
  CHECK(of_all(MeanIoU{}, p, y) == 1);
  CHECK(of_all(Precision{}, column({0, 0}), labels({0, 0})) == 0);
  CHECK(of_all(F1Score{}, column({0, 0}), labels({0, 0})) == 0);
  CHECK(of_all(MeanIoU{}, column({0, 0}), labels({0, 0})) == 1);
}

TEST_CASE("beta above 1 makes recall count more than precision, and below 1 less") {
  const Array u = column({1, 1, 0, 0});
  const Samples y = labels({1, 0, 0, 0});  // precision 1/2, recall 1
  for (const double beta : {0.5, 1.0, 2.0, 5.0})
    CHECK(of_all(FBetaScore{.beta = beta}, u, y) ==
          Approx((1 + beta * beta) * 0.5 / (beta * beta * 0.5 + 1)));
}

TEST_CASE("an area needs both classes: without, it is NaN, and of several classes it is left out") {
  const Array u = column({real(0.2), real(0.7)});
  CHECK(std::isnan(of_all(AUC{}, u, labels({1, 1}))));
  CHECK(std::isnan(of_all(AUC{}, u, labels({0, 0}))));
  CHECK(std::isnan(of_all(AUC{.curve = AUC::Curve::pr}, u, labels({0, 0}))));
  CHECK(of_all(AUC{.curve = AUC::Curve::pr}, u, labels({1, 1})) == 1);
  const Array p({2, 3}, {1, 0, 0, 0, 1, 0});
  CHECK(of_all(AUC{}, p, labels({0, 1})) == 1);
  CHECK(std::isnan(of_all(AUC{.class_id = 2}, p, labels({0, 1}))));
}

TEST_CASE("the area under the ROC curve is the part of pairs in order, ties counted one half") {
  for (Index trial = 0; trial < 60; ++trial) {
    support::Generate g("areas", trial);
    std::vector<real> scores;
    std::vector<std::int32_t> targets = {0, 1};
    const Index levels = g.integer(1, 12);
    for (Index i = g.integer(0, 30); i > 0; --i) targets.push_back(g.chance(0.4));
    while (scores.size() < targets.size())
      scores.push_back(static_cast<real>(g.integer(-levels, levels)));
    CHECK(of_all(AUC{}, column(scores), labels(targets)) ==
          Approx(pairs_in_order(scores, targets)));
    // Logits order as their sigmoids do.
    std::vector<real> probabilities;
    for (const real score : scores) probabilities.push_back(real(1) / (real(1) + std::exp(-score)));
    CHECK(of_all(AUC{}, column(scores), labels(targets)) ==
          of_all(AUC{}, column(probabilities), labels(targets)));
  }
  CHECK(of_all(AUC{}, column({real(-0.0), real(0.0)}), labels({0, 1})) == 0.5);
}

TEST_CASE("a prediction of exactly the threshold says no, and logits have their threshold at 0") {
  const Array half = column({real(0.5), real(0.5)});
  CHECK(of_all(BinaryAccuracy{}, half, labels({0, 1})) == 0.5);
  CHECK((of_all(Precision{}, half, labels({0, 1})) == 0 &&
         of_all(Recall{}, half, labels({0, 1})) == 0));
  const real below = std::nextafter(real(0.5), real(0));
  CHECK(of_all(Recall{.threshold = below}, half, labels({0, 1})) == 1);
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("logits of units", trial);
    const Index count = g.integer(1, 20);
    const Array logits = g.array({count, 1}, {.low = -3, .high = 3, .avoid = {0}});
    const Array p = sigmoid(logits).value();
    const Samples y = g.ids({count, 1}, 2);
    CHECK(of_all(Accuracy{.threshold = 0}, logits, y) == of_all(Accuracy{}, p, y));
    CHECK(of_all(BinaryAccuracy{.threshold = 0}, logits, y) == of_all(BinaryAccuracy{}, p, y));
    CHECK(of_all(F1Score{.threshold = real(0)}, logits, y) == of_all(F1Score{}, p, y));
    const Array rows = g.array({count, 4}, {.low = -3, .high = 3});
    const Samples classes = g.ids(Shape{count}, 4);
    CHECK(of_all(Perplexity{.from_logits = true}, rows, classes) ==
          Approx(of_all(Perplexity{}, softmax(rows).value(), classes)).epsilon(1e-4));
    CHECK(of_all(F1Score{}, rows, classes) == of_all(F1Score{}, softmax(rows).value(), classes));
  }
}

TEST_CASE("with a threshold each class of several is yes or no by itself, without the largest") {
  const Array p({2, 3}, {real(0.9), real(0.8), real(0.1), real(0.2), real(0.3), real(0.4)});
  const Samples several = Ids({2, 3}, {1, 1, 0, 0, 0, 1});
  CHECK(of_all(Recall{.threshold = real(0.5)}, p, several) == Approx(2.0 / 3));
  CHECK(of_all(Precision{.average = Average::micro, .threshold = real(0.5)}, p, several) == 1);
  CHECK(of_all(F1Score{}, p, Ids({2, 3}, {1, 0, 0, 0, 0, 1})) == Approx(2.0 / 3));
  CHECK(of_all(BinaryAccuracy{}, p, several) == Approx((1 + 2.0 / 3) / 2));
}

TEST_CASE("among equals the lower class comes first, in the top k as in accuracy") {
  const Array p({1, 3}, {real(0.4), real(0.4), real(0.2)});
  CHECK(of_all(SparseTopKCategoricalAccuracy{.k = 1}, p, labels({0})) == 1);
  CHECK(of_all(SparseTopKCategoricalAccuracy{.k = 1}, p, labels({1})) == 0);
  CHECK(of_all(SparseTopKCategoricalAccuracy{.k = 2}, p, labels({1})) == 1);
  CHECK(of_all(SparseTopKCategoricalAccuracy{.k = 9}, p, labels({2})) == 1);
  CHECK(of_all(TopKCategoricalAccuracy{.k = 2}, p, Array({1, 3}, {0, 0, 1})) == 0);
}

TEST_CASE("R2 keeps a small variance beside a large mean, and equal targets have none") {
  constexpr double far = sizeof(real) == 4 ? 4194304 : 4294967296;
  const auto around = [&](std::vector<double> values) {
    std::vector<real> result;
    for (const double value : values) result.push_back(static_cast<real>(far + value));
    return column(result);
  };
  CHECK(of_all(R2Score{}, around({0, 1, 1, 2}), around({0, 1, 2, 3})) == Approx(0.6));
  const std::vector<double> thirds = {1.0 / 3, 2.0 / 3, 1.0 / 7, 1};
  const CountedPositions weighted(std::nullopt, thirds);
  CHECK(of_all(R2Score{}, around({0, 1, 1, 2}), around({0, 1, 2, 3}), weighted) ==
        Approx(of_all(R2Score{}, column({0, 1, 1, 2}), column({0, 1, 2, 3}), weighted)));
  CHECK(of_all(R2Score{}, column({3, 3}), column({3, 3})) == 1);
  CHECK(of_all(R2Score{}, column({3, 4}), column({3, 3})) == 0);
  CHECK(of_all(R2Score{}, column({3}), column({3})) == 1);
  CHECK(of_all(CosineSimilarity{}, Array({2, 2}, {0, 0, 2, 0}), Array({2, 2}, {1, 1, -3, 0})) ==
        -0.5);
  const real large = std::numeric_limits<real>::max(), small = std::numeric_limits<real>::min();
  CHECK(of_all(CosineSimilarity{}, Array({1, 2}, {large, large}), Array({1, 2}, {small, small})) ==
        Approx(1));
}

TEST_CASE("labels and targets out of range are rejected where they count, and nothing is added") {
  const Array p = Array::full({2, 3}, 1), u = column({1, 1});
  CHECK(told<IndexError>(F1Score{}, p, labels({0, 3})) ==
        "f1_score: the label at position 1 is 3; expected 0 to 2");
  CHECK(told<IndexError>(AUC{}, p, labels({-1, 0})) ==
        "auc: the label at position 0 is -1; expected 0 to 2");
  CHECK(told<IndexError>(MeanIoU{}, p, Array({2}, {real(0.5), 0})) ==
        "mean_io_u: the label at position 0 is 0.5; expected 0 to 2");
  CHECK(told<ValueError>(Precision{}, u, labels({1, 2})) ==
        "precision: the target at position 1 is 2; expected 0 or 1");
  CHECK(told<ValueError>(AUC{}, u, Array({2}, {1, real(0.5)})) ==
        "auc: the target at position 1 is 0.5; expected 0 or 1");
  CHECK(told<ValueError>(Recall{}, p, Array({2, 3}, {1, 0, 0, not_a_number, 0, 0})) ==
        "recall: the one-hot target at position 1 holds a NaN");
  ConfusionMatrix matrix(3);
  CHECK(support::refusal<IndexError>([&] {
          matrix.add(p, labels({0, 7}));
        }) == "ConfusionMatrix: the label at position 1 is 7; expected 0 to 2");
  CHECK(matrix.counts().support(0) == 0);
  Mask first(Shape{2}, {1, 0});
  CHECK(of_all(F1Score{.average = Average::micro}, p, labels({0, 7}), CountedPositions(first)) ==
        1);
}

TEST_CASE("options and shapes that make no sense are rejected before any work") {
  const Shape rows{4, 3}, unit{4, 1};
  const Samples y = labels({0, 1, 2, 0});
  CHECK(told_by_check<IndexError>(Precision{.class_id = 3}, rows, y) ==
        "precision: class_id is 3; there are 3 classes");
  CHECK(told_by_check<IndexError>(AUC{.class_id = -1}, rows, y) ==
        "auc: class_id is -1; there are 3 classes");
  CHECK(told_by_check<ValueError>(Recall{.threshold = not_a_number}, unit, y) ==
        "recall: threshold is NaN; give a number");
  CHECK(told_by_check<ValueError>(BinaryAccuracy{.threshold = not_a_number}, unit, y) ==
        "binary_accuracy: threshold is NaN; give a number");
  CHECK(told_by_check<ValueError>(F1Score{.threshold = real(0.5)}, rows, y) ==
        "f1_score: a threshold is given, and targets are labels; leave it out, or give one-hot "
        "targets");
  CHECK(told_by_check<ValueError>(FBetaScore{.beta = 0}, rows, y) ==
        "fbeta_score: beta is 0; it must be finite and above 0");
  CHECK(told_by_check<ValueError>(SparseTopKCategoricalAccuracy{.k = 0}, rows, y) ==
        "sparse_top_k_categorical_accuracy: k is 0; it must be at least 1");
  CHECK(told_by_check<ShapeError>(CategoricalAccuracy{}, rows, y) ==
        "categorical_accuracy: predictions are (4, 3), targets (4,); one-hot targets must have the "
        "predictions' shape");
  CHECK(told_by_check<ShapeError>(SparseCategoricalAccuracy{}, rows, Array::zeros({4, 3})) ==
        "sparse_categorical_accuracy: predictions are (4, 3), targets (4, 3); labels must have the "
        "predictions' shape without its last axis, the classes");
  CHECK(told_by_check<ShapeError>(R2Score{}, rows, y) ==
        "r2_score: predictions are (4, 3), targets (4,); targets must have the predictions' shape, "
        "or lack a last axis of size 1");
  CHECK(
      told_by_check<ShapeError>(MeanIoU{.name = "iou"}, rows, labels({1})) ==
      "iou: predictions are (4, 3), targets (1,); labels must have the predictions' shape without "
      "its last axis, the classes, and one-hot targets the same shape");
  CHECK(told_by_check<ShapeError>(Perplexity{}, unit, y) ==
        "perplexity: predictions are (4, 1); the last axis must be the classes, at least 2");
}

TEST_CASE("a confusion matrix is used by itself: cells, an array, counts of each class") {
  ConfusionMatrix matrix;
  CHECK(matrix.classes() == 0);
  matrix.add(Array({3, 2}, {1, 0, 1, 0, 0, 1}), labels({0, 1, 1}));
  CHECK(matrix.array().values()[2] == 1);
  CHECK((matrix.counts().precision(0) == 0.5 && matrix.counts().recall(1) == 0.5));
  CHECK(matrix.counts().f_beta(1) == Approx(2.0 / 3));
  ConfusionMatrix units;
  units.add(column({real(0.9), real(0.1)}), labels({1, 1}));
  CHECK((units.classes() == 2 && units.at(1, 1) == 1 && units.at(1, 0) == 1));
  matrix += units;
  CHECK(matrix.at(1, 0) == 2);
  CHECK(support::refusal<ShapeError>([&] { matrix += ConfusionMatrix(3); }) ==
        "ConfusionMatrix: counts of 3 classes are added to those of 2");
  CHECK(support::refusal<ShapeError>([&] {
          matrix.add(Array::zeros({1, 4}), labels({0}));
        }) == "ConfusionMatrix: predictions of 4 classes are added to those of 2");
  CHECK(support::refusal<IndexError>([&] { matrix.at(0, 2); }) ==
        "ConfusionMatrix: there is no class 2; there are 2");
  CHECK(support::refusal<ValueError>([&] { ConfusionMatrix(0); }) ==
        "ConfusionMatrix: classes is 0; it must be 1 to 10000");
  CHECK(support::refusal<IndexError>([&] { matrix.counts().recall(-1); }) ==
        "ClassCounts: there is no class -1; there are 2");
}

TEST_CASE("a total is saved in the middle and goes on, but for a State that cannot be saved") {
  struct Unsaved {
    struct State {
      long count = 0;
      State& operator+=(const State& other) {
        count += other.count;
        return *this;
      }
    };
    std::string name = "unsaved";
    void update(State& state, const Array&, const Samples& target, const CountedPositions&) const {
      state.count += target.count();
    }
    double result(const State& state) const { return static_cast<double>(state.count); }
  };
  support::Generate g("totals saved", 0);
  const Array p = g.array({20, 3}, {.low = 0, .high = 1});
  const Samples y = g.ids(Shape{20}, 3);
  for (const Metric& metric : of_labels()) {
    const auto whole = metric.total(), first = metric.total(), second = metric.total();
    second->set_values(first->values());
    CHECK(second->value() == 0);
    for (const auto& total : {whole, first}) total->add(p.rows(0, 9), y.rows(0, 9));
    second->set_values(first->values());
    CHECK(second->value() == whole->value());
    for (const auto& total : {whole, second}) total->add(p.rows(9, 20), y.rows(9, 20));
    CHECK_MESSAGE(states::bits(second->value()) == states::bits(whole->value()), metric.name());
    for (const std::vector<double>& wrong :
         {std::vector<double>{}, {2}, {1, 0.5}, {1, -1, 3}, {1, 1e18, 0, 0}})
      CHECK_THROWS_AS(second->set_values(wrong), ValueError);
    CHECK(states::bits(second->value()) == states::bits(whole->value()));
  }
  const auto unsaved = Metric(Unsaved{}).total();
  CHECK(support::refusal<StateError>([&] { unsaved->values(); }) ==
        "unsaved: its State cannot be saved within an epoch; give it std::vector<double> values() "
        "const and void set_values(std::span<const double>)");
}

TEST_CASE("a state of some classes takes no predictions of others, and may be added to itself") {
  ClassCounts counts;
  Precision precision;
  const Ids labels(Shape{1}, {1});
  precision.update(counts, Array(Shape{1, 2}, {0, 1}), labels, {});
  CHECK_THROWS_AS(precision.update(counts, Array(Shape{1, 3}, {0, 1, 0}), labels, {}), ShapeError);
  AUC auc;
  AUC::State scores;
  auc.update(scores, Array(Shape{2, 1}, {real(0.2), real(0.7)}), Ids(Shape{2}, {0, 1}), {});
  for (int doubling = 0; doubling < 12; ++doubling) scores += scores;
  CHECK(auc.result(scores) == 1);
}
