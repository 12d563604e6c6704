// EarlyStopping: Keras' epochs, the weights it puts back, and its state.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "callbacks/keras_runs.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::refusal;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Sequential small_model() {
  Sequential model{Dense{1}};
  model.compile({.optimizer = SGD{{.learning_rate = 1.0}}, .loss = MeanSquaredError{}});
  model.build(Shape{2});
  return model;
}

// The weights of epoch e are all e.
void set_weights(Model& model, Index epoch) {
  for (NamedParameter& parameter : parameters_of(model))
    parameter.tensor.assign(Array::full(parameter.tensor.shape(), static_cast<real>(epoch)));
}

Index epoch_of_weights(const Model& model) {
  return static_cast<Index>(parameters_of(model)[0].tensor.value().at(0));
}

// Gives the values of epochs from `first` on, until training is stopped.
void play(EarlyStopping& stopping, Sequential& model, const std::vector<double>& values,
          Index first = 0) {
  for (std::size_t i = 0; i < values.size() && stopping.stopped_epoch() < 0; ++i) {
    const Index epoch = first + static_cast<Index>(i);
    set_weights(model, epoch);
    stopping.on_epoch_end(model, epoch, {{"m", values[i]}});
  }
}

EarlyStopping made(const keras_runs::Stopping& run) {
  return EarlyStopping({.monitor = "m",
                        .mode = run.mode,
                        .min_delta = run.min_delta,
                        .patience = run.patience,
                        .baseline = run.baseline,
                        .restore_best_weights = true,
                        .start_from_epoch = run.start_from_epoch});
}

}  // namespace

TEST_CASE("EarlyStopping stops where Keras does, and puts back the weights that Keras does") {
  Sequential model = small_model();
  for (const keras_runs::Stopping& run : keras_runs::stopping) {
    CAPTURE(&run - keras_runs::stopping.data());
    EarlyStopping stopping = made(run);
    stopping.on_train_begin(model);
    play(stopping, model, run.values);
    stopping.on_train_end(model);
    CHECK(stopping.stopped_epoch() == run.stopped);
    CHECK(stopping.best_epoch() == run.restored);
    CHECK(epoch_of_weights(model) == run.restored);
  }
  std::printf("figure: runs of EarlyStopping as in Keras = %zu\n", keras_runs::stopping.size());
}

TEST_CASE(
    "EarlyStopping that goes on from its state at any epoch ends as if it had never stopped") {
  Sequential model = small_model();
  support::Generate g("early stopping", 0);
  for (const keras_runs::Stopping& run : keras_runs::stopping) {
    const Index last = run.stopped < 0 ? static_cast<Index>(run.values.size()) : run.stopped;
    const Index cut = g.integer(0, last);
    EarlyStopping before = made(run), after = made(run);
    before.on_train_begin(model);
    play(before, model, {run.values.begin(), run.values.begin() + cut});
    after.on_train_begin(model);
    after.load_state(before.state());
    play(after, model, {run.values.begin() + cut, run.values.end()}, cut);
    after.on_train_end(model);
    CHECK(after.stopped_epoch() == run.stopped);
    CHECK(epoch_of_weights(model) == run.restored);
  }
  CHECK(made(keras_runs::stopping[0]).state_name() == "EarlyStopping/m");
}

TEST_CASE("EarlyStopping without restore_best_weights leaves the last weights") {
  Sequential model = small_model();
  EarlyStopping stopping({.monitor = "m", .mode = MonitorMode::min, .patience = 2});
  stopping.on_train_begin(model);
  play(stopping, model, {1, 2, 3, 4});
  stopping.on_train_end(model);
  CHECK(stopping.best_epoch() == 0);
  CHECK(epoch_of_weights(model) == 2);
}

TEST_CASE("after a NaN a number is better again, unlike in Keras") {
  Sequential model = small_model();
  EarlyStopping stopping(
      {.monitor = "m", .mode = MonitorMode::min, .patience = 3, .restore_best_weights = true});
  stopping.on_train_begin(model);
  play(stopping, model, {not_a_number, not_a_number, 5, 4, not_a_number, 6, 7, 8});
  stopping.on_train_end(model);
  CHECK(stopping.stopped_epoch() == 6);
  CHECK(epoch_of_weights(model) == 3);
  stopping.on_train_begin(model);
  play(stopping, model, {not_a_number, not_a_number, not_a_number, not_a_number});
  stopping.on_train_end(model);
  CHECK(stopping.stopped_epoch() == 2);
  CHECK(epoch_of_weights(model) == 0);
}

TEST_CASE("restore_best_weights of fit puts back the weights of the epoch with the lowest loss") {
  Sequential model = toy::model({.learning_rate = 0.5});
  struct Keep : Callback {
    std::vector<std::vector<Array>> weights;
    void on_epoch_end(Model& m, Index, const Logs&) override { weights.push_back(toy::weights(m)); }
  } keep;
  EarlyStopping stopping({.patience = 2, .restore_best_weights = true});
  FitOptions options = toy::quiet(30, 4);
  options.validation_data = Validation{toy::data(12, 7).x, toy::data(12, 7).y};
  options.callbacks = {&stopping, &keep};
  const History history = model.fit(toy::data(12).x, toy::data(12).y, options);
  const auto best = std::ranges::min_element(history["val_loss"]) - history["val_loss"].begin();
  REQUIRE(stopping.best_epoch() == best);
  CHECK(stopping.stopped_epoch() == best + 2);
  CHECK(toy::bits_differ(toy::weights(model), keep.weights[static_cast<std::size_t>(best)]) == "");
}

TEST_CASE("RestoreBestWeights goes on from its state") {
  Sequential model = small_model();
  RestoreBestWeights before("loss"), after("loss");
  for (const Index epoch : {0, 1, 2}) {
    set_weights(model, epoch);
    before.on_epoch_end(model, epoch, {{"loss", epoch == 1 ? 1 : 2}});
  }
  after.on_train_begin(model);
  after.load_state(before.state());
  set_weights(model, 3);
  after.on_epoch_end(model, 3, {{"loss", 1.5}});
  after.on_train_end(model);
  CHECK(after.best_epoch() == 1);
  CHECK(epoch_of_weights(model) == 1);
  CHECK(after.state_name() == "RestoreBestWeights/loss");
}

TEST_CASE("EarlyStopping refuses options out of range and the states of others") {
  CHECK(refusal<ValueError>([] { EarlyStopping({.start_from_epoch = -1}); }) ==
        "EarlyStopping: start_from_epoch is -1; it must be at least 0");
  CHECK(refusal<ValueError>([] { EarlyStopping({.baseline = not_a_number}); }) ==
        "EarlyStopping: baseline is nan; it must be finite");
  EarlyStopping stopping({.restore_best_weights = true});
  CHECK(refusal<StateError>([&] { stopping.load_state({}); }) ==
        "EarlyStopping: load_state: there is no \"best\" in the state; give the state of such a "
        "callback");
  CallbackState state = stopping.state();
  state.numbers["waited"] = 0.5;
  CHECK(refusal<StateError>([&] { stopping.load_state(state); }) ==
        "EarlyStopping: load_state: \"waited\" is 0.5; expected a whole number of at least 0, as "
        "state returns it");
  state.numbers["waited"] = 0;
  state.numbers["best_epoch"] = 3;
  CHECK(refusal<StateError>([&] { stopping.load_state(state); }) ==
        "EarlyStopping: load_state: there are no weights in the state, and restore_best_weights is "
        "set; resume with the options that the training had");
}

TEST_CASE("callbacks are told how many epochs and batches there will be") {
  struct Told : Callback {
    FitParams params;
    void set_params(const FitParams& given) override { params = given; }
  } told;
  FitOptions options = toy::quiet(3, 4);
  options.callbacks = {&told};
  Sequential model = toy::model();
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(told.params.epochs == 3);
  CHECK(told.params.steps == 3);
  options.batch_size = 1000;
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(told.params.steps == 1);
}
