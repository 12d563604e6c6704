// Metrics that are no means: states that are merged, whatever the cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "support/refusal.hpp"
#include "train/models.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN();

// The mean of the classes' F1, from a confusion matrix.
struct MacroF1 {
  struct State {
    std::array<std::int64_t, 9> confusion = {};
    State& operator+=(const State& other) {
      for (std::size_t i = 0; i < 9; ++i) confusion[i] += other.confusion[i];
      return *this;
    }
  };
  static constexpr const char* name = "macro_f1";

  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const {
    for (Index row = 0, rows = prediction.count() / 3; row < rows; ++row) {
      if (!counts(row, rows)) continue;
      const real* const p = prediction.data() + row * 3;
      const auto best = std::max_element(p, p + 3) - p;
      ++state.confusion[static_cast<std::size_t>(target.ids().at(row) * 3 + best)];
    }
  }
  double result(const State& state) const {
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      std::int64_t of_class = 0;
      for (std::size_t i = 0; i < 3; ++i)
        of_class += state.confusion[k * 3 + i] + state.confusion[i * 3 + k];
      if (of_class > 0)
        sum += 2 * static_cast<double>(state.confusion[k * 4]) / static_cast<double>(of_class) / 3;
    }
    return sum;
  }
};

// The part of the targets' variance that the predictions explain.
struct R2 {
  struct State {
    double count = 0, sum = 0, squares = 0, residual = 0;
    State& operator+=(const State& other) {
      count += other.count;
      sum += other.sum;
      squares += other.squares;
      residual += other.residual;
      return *this;
    }
  };
  static constexpr const char* name = "r2";

  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const {
    for (Index i = 0, values = prediction.count(); i < values; ++i) {
      if (!counts(i, values)) continue;
      const auto p = static_cast<double>(prediction.at(i)),
                 t = static_cast<double>(target.array().at(i));
      state += {1, t, t * t, (p - t) * (p - t)};
    }
  }
  double result(const State& state) const {
    if (state.count == 0) throw StateError("r2: there is nothing");
    return 1 - state.residual / (state.squares - state.sum * state.sum / state.count);
  }
};

// A metric of everything at once.
template <class M>
double direct(const M& metric, const Array& prediction, const Samples& target,
              const CountedPositions& counts = {}) {
  typename M::State state;
  metric.update(state, prediction, target, counts);
  return metric.result(state);
}

Sequential with_f1(double learning_rate, std::vector<Metric> metrics = {MacroF1{}}) {
  Sequential model = toy::model();
  model.compile({.optimizer = Adam{{.learning_rate = learning_rate}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = std::move(metrics),
                 .seed = 1});
  return model;
}

// Samples act on each other: the batch is not cut, and none is taken out of it.
struct Together {
  static constexpr bool mixes_samples = true;
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

// Throws.
struct Fails {
  using State = MeanState;
  static constexpr const char* name = "fails";
  void update(State&, const Array&, const Samples&, const CountedPositions&) const {
    throw ValueError("fails: always");
  }
  double result(const State& state) const { return state.mean(); }
};

// Accuracy, as a metric with a state.
struct Right {
  using State = MeanState;
  static constexpr const char* name = "right";
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const {
    const Array values = Accuracy{}(prediction, target);
    for (Index i = 0; i < values.count(); ++i)
      if (counts(i, values.count())) state += {static_cast<double>(values.at(i)), 1};
  }
  double result(const State& state) const { return state.mean(); }
};

}  // namespace

TEST_CASE(
    "a metric that counts is that of all predictions, bit for bit, in evaluate, validation and fit "
    "with batches of any size") {
  const auto [x, y] = toy::data(37);
  Sequential model = with_f1(0, {Accuracy{}, MacroF1{}});
  const Array p = model.predict(x);
  const double whole = direct(MacroF1{}, p, y);
  CHECK(whole > 0);
  double of_batches = 0;
  for (Index i = 0; i < 37; ++i)
    of_batches += direct(MacroF1{}, p.rows(i, i + 1), y.rows(i, i + 1));
  CHECK(of_batches / 37 != whole);
  for (const Index batch_size : {1, 2, 5, 36, 37, 100}) {
    CAPTURE(batch_size);
    CHECK(model.evaluate(x, y, batch_size)["macro_f1"] == whole);
    FitOptions options = toy::quiet(2, batch_size);
    options.validation_data = Validation{x, y};
    const History history = model.fit(x, y, options);
    for (const char* name : {"macro_f1", "val_macro_f1"})
      CHECK(history[name] == std::vector<double>{whole, whole});
  }
  CHECK(model.train_on_batch(x, y)["macro_f1"] == whole);
}

TEST_CASE("the logs after a batch hold the metric of the samples of the epoch so far") {
  struct Keep : Callback {
    std::vector<double> values;
    void on_train_batch_end(Model&, Index, const Logs& logs) override {
      values.push_back(logs["macro_f1"]);
    }
  } keep;
  const auto [x, y] = toy::data(13);
  Sequential model = with_f1(0);
  const Array p = model.predict(x);
  FitOptions options = toy::quiet(1, 5);
  options.shuffle = false;
  options.callbacks = {&keep};
  model.fit(x, y, options);
  REQUIRE(keep.values.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Index end = std::min<Index>(13, 5 * static_cast<Index>(i + 1));
    CHECK(keep.values[i] == direct(MacroF1{}, p.rows(0, end), y.rows(0, end)));
  }
}

TEST_CASE("metrics with a state are the same bits on 1, 2, 3 and 8 threads") {
  const auto [x, y] = toy::data(700);
  const Index before = threads();
  std::vector<History> histories;
  for (const Index count : {1, 2, 3, 8}) {
    set_threads(count);
    Sequential model = with_f1(0.02);
    FitOptions options = toy::quiet(3, 350);
    options.validation_split = 0.3;
    histories.push_back(model.fit(x, y, options));
    Sequential line{Dense{1}};
    line.compile({.loss = MeanSquaredError{}, .metrics = {R2{}}});
    support::Generate g("r2 on threads", 0);
    const Array wide = g.array({3000, 2}, {.low = -1, .high = 1}),
                sums = sum(Tensor(wide), -1, true).value();
    histories.back().history["r2"] = line.fit(wide, sums, toy::quiet(3, 2000))["r2"];
  }
  set_threads(before);
  for (const History& history : histories) CHECK(history.history == histories[0].history);
  CHECK(histories[0]["macro_f1"][0] != histories[0]["macro_f1"][2]);
}

TEST_CASE(
    "masked positions and samples of weight 0 take no part in a metric with a state, NaN or not") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("what counts in a state", trial);
    const Index samples = g.integer(2, 9), time = g.integer(2, 5);
    const bool together = g.chance(0.3);
    Ids x(Shape{samples, time});
    for (std::int32_t& id : x.mutable_values())
      id = g.chance(0.4) ? 0 : static_cast<std::int32_t>(g.integer(1, toy::vocabulary - 1));
    x.mutable_data()[0] = x.mutable_data()[1] = 1;
    Array y = g.array({samples, time, 1}, {.low = -1, .high = 1});
    std::vector<double> weight;
    for (Index i = 0; i < samples; ++i) weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 3));
    weight[0] = 2;
    Sequential model{Embedding{toy::vocabulary, 3, true}};
    if (together) model.add(Layer(Together{}));
    model.add(Layer(Dense{1}));
    model.compile(
        {.optimizer = Adam{{.learning_rate = 0}}, .loss = MeanSquaredError{}, .metrics = {R2{}}});
    model.build(Shape{time});
    Mask keep(Shape{samples, time});
    for (Index i = 0; i < x.count(); ++i) {
      keep.mutable_data()[i] = x.at(i) != 0 && weight[static_cast<std::size_t>(i / time)] != 0;
      if (keep.data()[i] == 0) y.mutable_data()[i] = not_a_number;
    }
    const double wanted = direct(R2{}, model.predict(x), y, CountedPositions(keep));
    REQUIRE(std::isfinite(wanted));
    const double t = 1e-4;
    for (const Index batch_size : {Index(1), Index(2), samples})
      CHECK(model.evaluate(x, y, batch_size, weight)["r2"] == doctest::Approx(wanted).epsilon(t));
    CHECK(model.train_on_batch(x, y, weight)["r2"] == doctest::Approx(wanted).epsilon(t));
  }
}

TEST_CASE("each output of a model has metrics with a state of its own") {
  support::Generate g("two outputs", 0);
  const Array x = g.array({23, 4}, {.low = -1, .high = 1}),
              sizes = g.array({23, 1}, {.low = -1, .high = 1});
  const Ids kinds = g.ids(Shape{23}, 3);
  Model model{models::Two{}};
  model.compile({.outputs = {{"kind", SparseCategoricalCrossentropy{}, {MacroF1{}}},
                             {"size", MeanSquaredError{}, {R2{}}}}});
  model.build(x);
  const Predictions p = model.predict(x);
  const Logs logs = model.evaluate(x, {kinds, sizes}, 4);
  CHECK(logs["kind_macro_f1"] == direct(MacroF1{}, p["kind"], kinds));
  CHECK(logs["size_r2"] == doctest::Approx(direct(R2{}, p["size"], sizes)).epsilon(1e-6));
}

TEST_CASE("a metric with a state is 0 of nothing, and is not asked for the value of nothing") {
  struct Names : Callback {
    void check_names(const Model&, const Logs& names) const override { CHECK(names["r2"] == 0); }
  } names;
  const Array x = Array::full({4, 2}, 1);
  const Array y({4, 1}, {not_a_number, 1, 2, 3});
  FitOptions options = toy::quiet(1, 1);
  options.shuffle = false;
  options.sample_weight = {0, 1, 1, 1};
  options.callbacks = {&names};
  for (const bool together : {false, true}) {
    Sequential model;
    if (together) model.add(Layer(Together{}));
    model.add(Layer(Dense{1}));
    model.compile({.loss = MeanSquaredError{}, .metrics = {R2{}}});
    model.fit(x, y, options);
    CHECK(model.train_on_batch(x, y, {0, 0, 0, 0})["r2"] == 0);
  }
  const auto total = Metric(R2{}).total();
  total->add(y.rows(0, 0), y.rows(0, 0));
  CHECK(total->value() == 0);
}

TEST_CASE("a total adds up parts in a loop of one's own, empty ones and ones that throw too") {
  const auto [x, y] = toy::data(20);
  const Array p = toy::model().predict(x);
  const auto total = Metric(MacroF1{}).total();
  CHECK(total->value() == 0);
  total->add(p.rows(0, 0), y.rows(0, 0));
  CHECK(total->value() == 0);
  for (const auto& [begin, end] : {std::pair(0, 7), {7, 7}, {7, 8}, {8, 20}})
    total->add(p.rows(begin, end), y.rows(begin, end));
  const double whole = direct(MacroF1{}, p, y);
  CHECK(total->value() == whole);
  CHECK_THROWS_AS(total->add(p, Array::zeros({20})), ValueError);
  CHECK(total->value() == whole);
}

TEST_CASE("an error of a metric begins with the name of the model") {
  const toy::Data data = toy::data(4);
  Sequential model = with_f1(0, {Fails{}});
  CHECK(support::refusal<ValueError>([&] { model.evaluate(data.x, data.y); }) ==
        "sequential: fails: always");
}

TEST_CASE("a mean is the metric whose state is a sum and a count") {
  const auto [x, y] = toy::data(50);
  Sequential model = with_f1(0.02, {Accuracy{}, Right{}});
  const History history = model.fit(x, y, toy::quiet(4, 7));
  CHECK(history["right"] == history["accuracy"]);
}

namespace {

int results_asked = 0;

struct Costly {
  static constexpr const char* name = "costly";
  struct State {
    State& operator+=(const State&) { return *this; }
  };
  void update(State&, const Array&, const Samples&, const CountedPositions&) const {}
  double result(const State&) const { return ++results_asked; }
};

}  // namespace

TEST_CASE("the value of a metric is computed when it is read, not after every batch") {
  struct Reads : Callback {
    const char* name;
    explicit Reads(const char* what) : name(what) {}
    void on_train_batch_end(Model&, Index batch, const Logs& logs) override {
      CHECK(logs[name] >= 0);
      if (batch == 1) CHECK(Logs(logs).contains("costly"));
      if (batch == 1) CHECK(logs[name] == logs.find(name)->second);
    }
  } loss("loss"), costly("costly");
  const toy::Data data = toy::data(20);
  const auto asked = [&](Callback& callback) {
    Sequential model = toy::model();
    model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Costly{}}, .seed = 1});
    FitOptions options = toy::quiet(1, 4);
    options.callbacks = {&callback};
    results_asked = 0;
    model.fit(data.x, data.y, options);
    return results_asked;
  };
  CHECK(asked(loss) == 2);    // a copy of the logs, and the end of the epoch
  CHECK(asked(costly) == 6);  // five batches as well
}
