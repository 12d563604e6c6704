// Sample weights in metrics: they count in weighted_metrics alone, in every way to train and
// evaluate.
#include <doctest/doctest.h>

#include <cmath>

#include "fovea/fovea.hpp"
#include "metrics/states.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "train/models.hpp"

using namespace fovea;

namespace {

// A model that does not learn, its samples and their weights, of which some are 0.
struct Weighted {
  explicit Weighted(Index trial) : g("weighted metrics", trial) {
    const Index samples = g.integer(4, 30);
    x = g.array({samples, 3}, {.low = -1, .high = 1});
    y = g.ids(Shape{samples}, 3);
    for (Index i = 0; i < samples; ++i) weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 4));
    weight[0] = 2;
    model.compile({.optimizer = Adam{{.learning_rate = 0}},
                   .loss = SparseCategoricalCrossentropy{},
                   .metrics = {Accuracy{}, F1Score{}},
                   .weighted_metrics = {Accuracy{.name = "weighted"}, F1Score{.name = "f1"}}});
    model.build(Shape{3});
    const Array p = model.predict(x);
    Mask keep(Shape{samples});
    for (Index i = 0; i < samples; ++i)
      keep.mutable_data()[i] = weight[static_cast<std::size_t>(i)] != 0;
    const CountedPositions counts(keep), all(keep, weight);
    expected["accuracy"] = states::of_all(Accuracy{}, p, y, counts);
    expected["f1_score"] = states::of_all(F1Score{}, p, y, counts);
    expected["weighted"] = states::of_all(Accuracy{}, p, y, all);
    expected["f1"] = states::of_all(F1Score{}, p, y, all);
  }

  void check(const Logs& logs, const std::string& prefix = "") const {
    for (const auto& [name, value] : expected) CHECK(logs[prefix + name] == value);
  }

  support::Generate g;
  Array x;
  Ids y;
  std::vector<double> weight;
  Sequential model{Dense{3, Activation::softmax}};
  std::map<std::string, double> expected;
};

// Keeps the logs of each epoch.
struct Keep : Callback {
  std::vector<Logs> logs;
  void on_epoch_end(Model&, Index, const Logs& of_epoch) override { logs.push_back(of_epoch); }
};

}  // namespace

TEST_CASE(
    "sample weights count in weighted_metrics and not in metrics: fit, validation, evaluate and "
    "train_on_batch") {
  for (Index trial = 0; trial < 20; ++trial) {
    Weighted w(trial);
    Keep keep;
    for (const Index batch_size : {Index(1), Index(3), Index(32)}) {
      w.check(w.model.evaluate(w.x, w.y, batch_size, w.weight));
      w.model.fit(w.x, w.y,
                  {.batch_size = batch_size,
                   .validation_data = Validation{w.x, w.y, w.weight},
                   .sample_weight = w.weight,
                   .callbacks = {&keep},
                   .verbose = 0});
      w.check(keep.logs.back());
      w.check(keep.logs.back(), "val_");
    }
    w.check(w.model.train_on_batch(w.x, w.y, w.weight));
    const Logs plain = w.model.evaluate(w.x, w.y);
    CHECK(plain["weighted"] == plain["accuracy"]);
    CHECK(plain["f1"] == plain["f1_score"]);
  }
}

TEST_CASE("each output of several has weighted metrics of its own") {
  support::Generate g("weighted outputs", 0);
  const Array x = g.array({17, 4}, {.low = -1, .high = 1}),
              sizes = g.array({17, 1}, {.low = -1, .high = 1});
  const Ids kinds = g.ids(Shape{17}, 3);
  std::vector<double> weight;
  for (Index i = 0; i < 17; ++i) weight.push_back(g.uniform(0.1, 3));
  Model model{models::Two{}};
  model.compile(
      {.outputs = {{.loss = SparseCategoricalCrossentropy{}, .weighted_metrics = {Accuracy{}}},
                   {.loss = MeanSquaredError{},
                    .metrics = {MeanAbsoluteError{}},
                    .weighted_metrics = {RootMeanSquaredError{}}}}});
  model.build(x);
  const Predictions p = model.predict(x);
  const Logs logs = model.evaluate(x, {kinds, sizes}, 5, weight);
  const CountedPositions weighted(std::nullopt, weight);
  CHECK(logs["kind_accuracy"] == states::of_all(Accuracy{}, p["kind"], kinds, weighted));
  CHECK(logs["size_root_mean_squared_error"] ==
        doctest::Approx(states::of_all(RootMeanSquaredError{}, p["size"], sizes, weighted)));
  CHECK(logs["size_mean_absolute_error"] ==
        doctest::Approx(states::of_all(MeanAbsoluteError{}, p["size"], sizes)));
}

TEST_CASE("masks and weights count together") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("masks and weights", trial);
    const Index samples = g.integer(1, 6), time = g.integer(1, 5);
    Ids x = g.ids({samples, time}, 4);
    x.mutable_data()[0] = 1;
    const Ids y = g.ids({samples, time}, 3);
    std::vector<double> weight;
    for (Index i = 0; i < samples; ++i) weight.push_back(g.uniform(0.1, 3));
    Sequential model{Embedding{4, 2, true}, Dense{3, Activation::softmax}};
    model.compile({.loss = SparseCategoricalCrossentropy{}, .weighted_metrics = {Accuracy{}}});
    model.build(Shape{time});
    const Array p = model.predict(x);
    double right = 0, all = 0;
    for (Index i = 0; i < x.count(); ++i) {
      if (x.at(i) == 0) continue;
      const real* const row = p.data() + i * 3;
      const double own = weight[static_cast<std::size_t>(i / time)];
      all += own;
      right += std::max_element(row, row + 3) - row == y.at(i) ? own : 0;
    }
    CHECK(model.evaluate(x, y, 2, weight)["accuracy"] == doctest::Approx(right / all));
  }
}

TEST_CASE("two metrics of one kind need names of their own, weighted or not") {
  Sequential model{Dense{1, Activation::sigmoid}};
  const auto compile = [&](const Metric& metric) {
    model.compile(
        {.loss = BinaryCrossentropy{}, .metrics = {Precision{}}, .weighted_metrics = {metric}});
  };
  CHECK(support::refusal<ValueError>([&] { compile(Precision{}); }) ==
        "sequential: compile: two values of the logs would be called \"precision\"; give each "
        "metric a name of its own, other than \"loss\"");
  compile(Precision{.threshold = real(0.9), .name = "precision_at_0.9"});
  const Array x = Array::full({3, 2}, 1);
  model.build(x);
  CHECK(model.evaluate(x, Ids({3, 1}, {0, 1, 1})).contains("precision_at_0.9"));
}
