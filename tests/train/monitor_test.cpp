// Which of two epochs is the better one: by mode, by name, and with NaN among the values.
#include <doctest/doctest.h>

#include <limits>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

struct Spy {
  static constexpr const char* name = "spy";
  Array operator()(const Array& prediction, const Samples&) const {
    return Array::zeros(Shape{prediction.shape()[0]});
  }
};

Sequential& any_model() {
  static Sequential model = toy::model();
  return model;
}

Index best_of(RestoreBestWeights best, const std::string& name, const std::vector<double>& values) {
  best.on_train_begin(any_model());
  for (std::size_t i = 0; i < values.size(); ++i)
    best.on_epoch_end(any_model(), static_cast<Index>(i), {{name, values[i]}});
  return best.best_epoch();
}

// How many epochs there are with the callback; -1 if it never stops.
Index epochs_of(EarlyStopping stopping, const std::string& name,
                const std::vector<double>& values) {
  stopping.on_train_begin(any_model());
  for (std::size_t i = 0; i < values.size(); ++i) {
    stopping.on_epoch_end(any_model(), static_cast<Index>(i), {{name, values[i]}});
    if (stopping.stopped_epoch() >= 0) return stopping.stopped_epoch() + 1;
  }
  return -1;
}

}  // namespace

TEST_CASE(
    "EarlyStopping on accuracy goes on while it rises, and RestoreBestWeights takes the highest") {
  for (const char* name : {"accuracy", "val_accuracy", "val_auc", "f1", "binary_accuracy",
                           "val_f1_score", "precision"}) {
    CHECK(epochs_of(EarlyStopping({.monitor = name, .patience = 1}), name, {0.1, 0.2, 0.3, 0.4}) ==
          -1);
    CHECK(epochs_of(EarlyStopping({.monitor = name, .patience = 2}), name,
                    {0.1, 0.3, 0.2, 0.3, 0.4}) == 4);
    CHECK(best_of(RestoreBestWeights(name), name, {0.1, 0.4, 0.3, 0.4}) == 1);
    CHECK(epochs_of(EarlyStopping(1, 0, name), name, {0.1, 0.2, 0.1}) == 3);
  }
  for (const char* name : {"loss", "val_loss", "val_mean_squared_error", "kl_divergence",
                           "absolute_error", "binary_crossentropy", "huber_loss"}) {
    CHECK(epochs_of(EarlyStopping({.monitor = name, .patience = 1}), name, {4, 3, 2, 3}) == 4);
    CHECK(best_of(RestoreBestWeights(name), name, {3, 1, 2, 1}) == 1);
  }
}

TEST_CASE("mode min and max say which values are better, whatever the name") {
  using enum MonitorMode;
  CHECK(best_of(RestoreBestWeights({.monitor = "spy", .mode = max}), "spy", {1, 3, 2}) == 1);
  CHECK(best_of(RestoreBestWeights({.monitor = "spy", .mode = min}), "spy", {2, 3, 1}) == 2);
  CHECK(best_of(RestoreBestWeights({.monitor = "accuracy", .mode = min}), "accuracy", {2, 3, 1}) ==
        2);
  CHECK(epochs_of(EarlyStopping({.monitor = "loss", .mode = max}), "loss", {1, 2, 3, 2}) == 4);
}

TEST_CASE(
    "a name that does not tell which values are better is refused before anything is trained, "
    "until a mode is given") {
  const toy::Data data = toy::data(10);
  Sequential model = toy::model();
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Spy{}}, .seed = 1});
  const std::vector<Array> before = toy::weights(model);
  const std::string text =
      ": the name \"spy\" does not tell whether lower or higher values are better; give .mode = "
      "MonitorMode::min or "
      "MonitorMode::max";
  EarlyStopping stopping(0, 0, "spy"), decided({.monitor = "spy", .mode = MonitorMode::max});
  RestoreBestWeights best("spy");
  FitOptions options = toy::quiet(1, 4);
  options.callbacks = {&stopping};
  CHECK(support::refusal<ValueError>([&] { model.fit(data.x, data.y, options); }) ==
        "sequential: fit: EarlyStopping" + text);
  options.callbacks = {&best};
  CHECK(support::refusal<ValueError>([&] { model.fit(data.x, data.y, options); }) ==
        "sequential: fit: RestoreBestWeights" + text);
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  options.callbacks = {&decided};
  model.fit(data.x, data.y, options);
}

TEST_CASE("min_delta is what a value must be better by, in either direction") {
  CHECK(epochs_of(EarlyStopping({.monitor = "accuracy", .min_delta = 0.5, .patience = 2}),
                  "accuracy", {1, 1.4, 1.6, 1.8, 2.0}) == 5);
  CHECK(best_of(RestoreBestWeights({.monitor = "accuracy", .min_delta = 0.5}), "accuracy",
                {1, 1.4, 1.6, 1.8}) == 2);
  CHECK(best_of(RestoreBestWeights({.monitor = "loss", .min_delta = 0.5}), "loss",
                {3, 2.6, 2.4, 2.2}) == 2);
  CHECK(support::refusal<ValueError>([] { RestoreBestWeights({.min_delta = -1}); }) ==
        "RestoreBestWeights: min_delta is -1; it must be at least 0 and finite");
  CHECK(support::refusal<ValueError>([] { EarlyStopping({.min_delta = not_a_number}); }) ==
        "EarlyStopping: min_delta is nan; it must be at least 0 and finite");
  CHECK(support::refusal<ValueError>([] { EarlyStopping({.patience = -3}); }) ==
        "EarlyStopping: patience is -3; it must be at least 0");
}

TEST_CASE(
    "NaN is worse than any value: after a NaN in the first epoch a number is better, an infinity "
    "too") {
  for (const char* name : {"loss", "accuracy"}) {
    CHECK(best_of(RestoreBestWeights(name), name, {not_a_number, 5, not_a_number}) == 1);
    CHECK(best_of(RestoreBestWeights(name), name, {not_a_number, infinity, not_a_number}) == 1);
    CHECK(best_of(RestoreBestWeights(name), name, {not_a_number, -infinity, not_a_number}) == 1);
    CHECK(best_of(RestoreBestWeights(name), name, {not_a_number, not_a_number}) == 0);
    CHECK(epochs_of(EarlyStopping({.monitor = name, .patience = 2}), name,
                    {not_a_number, 5, not_a_number, not_a_number}) == 4);
    CHECK(epochs_of(EarlyStopping({.monitor = name, .patience = 2}), name,
                    {not_a_number, not_a_number, not_a_number}) == 2);
    CHECK(epochs_of(EarlyStopping({.monitor = name}), name, {not_a_number, 1}) ==
          -1);  // the first epoch never stops
    CHECK(epochs_of(EarlyStopping({.monitor = name}), name, {not_a_number, not_a_number}) == 2);
  }
  CHECK(epochs_of(EarlyStopping({.monitor = "accuracy", .patience = 2}), "accuracy",
                  {0.5, not_a_number, 0.6, not_a_number, 0.7}) == -1);
}
