// Metrics that Keras and scikit-learn computed (tests/golden/README.md).
#include <doctest/doctest.h>

#include "fovea/ops/ops.hpp"
#include "fovea/train/losses.hpp"
#include "golden/golden.hpp"
#include "metrics/states.hpp"

using namespace fovea;
using states::of_all;

namespace {

constexpr double t = 1e-6;

// Counts the comparisons of one file, and says which fail.
struct Comparisons {
  const NumpyArchive file;
  Index agree = 0, all = 0;

  void close(const std::string& name, double ours) {
    const double theirs = static_cast<double>(file.array(name).at(0));
    compare(name, ours, theirs);
  }
  void close(const std::string& name, const std::vector<double>& ours) {
    const Array theirs = file.array(name);
    REQUIRE(theirs.count() == static_cast<Index>(ours.size()));
    for (Index i = 0; i < theirs.count(); ++i)
      compare(name, ours[static_cast<std::size_t>(i)], static_cast<double>(theirs.at(i)));
  }
  void same(const std::string& name, const ConfusionMatrix& matrix) {
    const Ids theirs = file.ids(name);
    for (Index i = 0; i < theirs.count(); ++i, ++all)
      agree += matrix.at(i / matrix.classes(), i % matrix.classes()) == theirs.at(i);
    CHECK(agree == all);
  }
  Samples labels() const { return file.ids("labels"); }

 private:
  void compare(const std::string& name, double ours, double theirs) {
    CAPTURE(name);
    const bool is_close = std::abs(ours - theirs) <= t * (1 + std::abs(theirs));
    CHECK_MESSAGE(is_close, ours, " for ", theirs);
    agree += is_close;
    ++all;
  }
};

std::vector<double> of_each(const ClassCounts& counts,
                            double (*value)(const ClassCounts& counts, Index class_id)) {
  std::vector<double> result;
  for (Index k = 0; k < counts.classes(); ++k) result.push_back(value(counts, k));
  return result;
}
double precision(const ClassCounts& counts, Index k) { return counts.precision(k); }
double recall(const ClassCounts& counts, Index k) { return counts.recall(k); }
double f1(const ClassCounts& counts, Index k) { return counts.f_beta(k); }

const std::pair<const char*, Average> averages[] = {
    {"macro", Average::macro}, {"micro", Average::micro}, {"weighted", Average::weighted}};

Array column(const Array& values) { return values.reshaped({values.count(), 1}); }

void compare_keras(Comparisons& keras) {
  const Array scores = keras.file.array("scores"), p = column(keras.file.array("binary_scores")),
              weights = keras.file.array("sample_weight");
  const Samples labels = keras.labels(), binary = keras.file.array("binary");
  const Array one_hot = fovea::one_hot(labels.ids(), scores.shape()[-1]).value();
  const std::vector<double> weight(weights.values().begin(), weights.values().end());
  keras.close("sparse_accuracy", of_all(SparseCategoricalAccuracy{}, scores, labels));
  keras.close("sparse_accuracy_weighted", of_all(SparseCategoricalAccuracy{}, scores, labels,
                                                 CountedPositions(std::nullopt, weight)));
  for (const Index k : {1, 2, 3}) {
    const std::string name = "sparse_top" + std::to_string(k);
    keras.close(name, of_all(SparseTopKCategoricalAccuracy{.k = k}, scores, labels));
    keras.close(name, of_all(TopKCategoricalAccuracy{.k = k}, scores, one_hot));
  }
  keras.close("categorical_accuracy", of_all(CategoricalAccuracy{}, scores, one_hot));
  keras.close("binary_accuracy", of_all(BinaryAccuracy{}, p, binary));
  keras.close("precision", of_all(Precision{}, p, binary));
  keras.close("recall", of_all(Recall{}, p, binary));
  for (const auto& [name, average] : averages)
    keras.close(std::string("f1_") + name, of_all(F1Score{.average = average}, scores, one_hot));
  ConfusionMatrix matrix;
  matrix.add(scores, labels);
  keras.same("confusion", matrix);
  keras.close("f1_each", of_each(matrix.counts(), f1));
  keras.close("mean_iou", of_all(MeanIoU{}, scores, labels));
  keras.close("sparse_crossentropy", of_all(SparseCategoricalCrossentropy{}, scores, labels));
  const Array y = keras.file.array("y_true"), z = keras.file.array("y_pred");
  keras.close("r2", of_all(R2Score{}, z, y));
  keras.close("mse", of_all(MeanSquaredError{}, z, y));
  keras.close("rmse", of_all(RootMeanSquaredError{}, z, y));
  keras.close("mae", of_all(MeanAbsoluteError{}, z, y));
}

void compare_sklearn(Comparisons& sklearn) {
  const Array scores = sklearn.file.array("scores"), weights = sklearn.file.array("sample_weight"),
              p = column(sklearn.file.array("binary_scores"));
  const Samples labels = sklearn.labels(), binary = sklearn.file.ids("binary");
  const std::vector<double> weight(weights.values().begin(), weights.values().end());
  sklearn.close("accuracy", of_all(Accuracy{}, scores, labels));
  sklearn.close("accuracy_weighted",
                of_all(Accuracy{}, scores, labels, CountedPositions(std::nullopt, weight)));
  for (const Index k : {1, 2, 3})
    sklearn.close("top" + std::to_string(k) + "_accuracy",
                  of_all(SparseTopKCategoricalAccuracy{.k = k}, scores, labels));
  ConfusionMatrix matrix;
  matrix.add(scores, labels);
  sklearn.same("confusion", matrix);
  sklearn.close("precision_each", of_each(matrix.counts(), precision));
  sklearn.close("recall_each", of_each(matrix.counts(), recall));
  sklearn.close("f1_each", of_each(matrix.counts(), f1));
  for (const auto& [name, average] : averages) {
    const std::string tag = name;
    sklearn.close("precision_" + tag, of_all(Precision{.average = average}, scores, labels));
    sklearn.close("recall_" + tag, of_all(Recall{.average = average}, scores, labels));
    sklearn.close("f1_" + tag, of_all(F1Score{.average = average}, scores, labels));
    sklearn.close("f1_" + tag, of_all(FBetaScore{.average = average}, scores, labels));
  }
  sklearn.close("perplexity", of_all(Perplexity{}, scores, labels));
  sklearn.close("auc_roc", of_all(AUC{}, p, binary));
  sklearn.close("average_precision", of_all(AUC{.curve = AUC::Curve::pr}, p, binary));
  // scikit-learn's predictions there are score >= 0.5, ours score > threshold.
  const real below = std::nextafter(real(0.5), real(0));
  sklearn.close("binary_accuracy", of_all(BinaryAccuracy{.threshold = below}, p, binary));
  sklearn.close("binary_precision", of_all(Precision{.threshold = below}, p, binary));
  sklearn.close("binary_recall", of_all(Recall{.threshold = below}, p, binary));
  sklearn.close("binary_f1", of_all(F1Score{.threshold = below}, p, binary));
  sklearn.close("brier", of_all(MeanSquaredError{}, p, binary));
  const Array y = sklearn.file.array("y_true"), z = sklearn.file.array("y_pred");
  sklearn.close("mse", of_all(MeanSquaredError{}, z, y));
  sklearn.close("mae", of_all(MeanAbsoluteError{}, z, y));
  // scikit-learn's is the mean of the outputs' roots.
  double roots = 0;
  for (const Index output : {0, 1}) {
    const auto of_output = [&](const Array& values) {
      return take(Tensor(values), Ids({1}, {static_cast<std::int32_t>(output)}), 1).value();
    };
    roots += of_all(RootMeanSquaredError{}, of_output(z), of_output(y)) / 2;
  }
  sklearn.close("rmse", roots);
  sklearn.close("r2", of_all(R2Score{}, z, y));
  R2Score::State state;
  R2Score{}.update(state, z, y, {});
  sklearn.close("r2_each", {state.score(0), state.score(1)});
}

}  // namespace

TEST_CASE("metrics are those of Keras and scikit-learn") {
  Comparisons keras{golden::open("keras_metrics")}, sklearn{golden::open("metrics")};
  compare_keras(keras);
  compare_sklearn(sklearn);
  std::printf("figure: metrics golden = %lld of %lld\n",
              static_cast<long long>(keras.agree + sklearn.agree),
              static_cast<long long>(keras.all + sklearn.all));
}
