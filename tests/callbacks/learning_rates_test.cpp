// LearningRateScheduler and ReduceLROnPlateau: Keras' rates, and their state.
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

// A model whose rate is `rate`.
Sequential with_rate(LearningRate rate) {
  Sequential model{Dense{1}};
  model.compile({.optimizer = SGD{{.learning_rate = std::move(rate)}}, .loss = MeanSquaredError{}});
  return model;
}

ReduceLROnPlateau made(const keras_runs::Plateau& run) {
  return ReduceLROnPlateau({.monitor = "m",
                            .factor = run.factor,
                            .patience = run.patience,
                            .mode = run.mode,
                            .min_delta = run.min_delta,
                            .cooldown = run.cooldown,
                            .min_lr = run.min_lr});
}

}  // namespace

TEST_CASE("ReduceLROnPlateau has Keras' rates after each epoch, resumed from its state in each") {
  for (const keras_runs::Plateau& run : keras_runs::plateau) {
    Sequential model = with_rate(1);
    ReduceLROnPlateau whole = made(run), cut = made(run);
    whole.on_train_begin(model);
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      CAPTURE(&run - keras_runs::plateau.data());
      CAPTURE(i);
      Sequential resumed = with_rate(model.optimizer().learning_rate());
      cut.on_train_begin(resumed);
      cut.load_state(whole.state());
      const Logs logs = {{"m", run.values[i]}};
      whole.on_epoch_end(model, static_cast<Index>(i), logs);
      cut.on_epoch_end(resumed, static_cast<Index>(i), logs);
      CHECK(model.optimizer().learning_rate() == run.rates[i]);
      CHECK(resumed.optimizer().learning_rate() == run.rates[i]);
      CHECK(cut.state().numbers == whole.state().numbers);
    }
  }
  CHECK(made(keras_runs::plateau[0]).state_name() == "ReduceLROnPlateau/m");
  std::printf("figure: runs of ReduceLROnPlateau as in Keras = %zu\n", keras_runs::plateau.size());
}

TEST_CASE("ReduceLROnPlateau counts a NaN as worse, and any number after it as better") {
  Sequential model = with_rate(1);
  ReduceLROnPlateau reduce({.monitor = "loss", .factor = 0.5, .patience = 2});
  reduce.on_train_begin(model);
  Index epoch = 0;
  for (const double value : {not_a_number, 9.0, not_a_number})
    reduce.on_epoch_end(model, epoch++, {{"loss", value}});
  CHECK(model.optimizer().learning_rate() == 1);
  reduce.on_epoch_end(model, epoch, {{"loss", not_a_number}});
  CHECK(model.optimizer().learning_rate() == 0.5);
}

TEST_CASE("ReduceLROnPlateau leaves a rate below its lowest as it is") {
  Sequential model = with_rate(0.125);
  ReduceLROnPlateau reduce({.monitor = "loss", .factor = 0.5, .patience = 1, .min_lr = 0.25});
  reduce.on_train_begin(model);
  for (Index epoch = 0; epoch < 4; ++epoch) {
    reduce.on_epoch_end(model, epoch, {{"loss", 1.0}});
    CHECK(model.optimizer().learning_rate() == 0.125);
  }
}

TEST_CASE("ReduceLROnPlateau of fit reduces the rate of a model that stands still") {
  Sequential model = toy::model({.learning_rate = 0});
  ReduceLROnPlateau reduce({.monitor = "loss", .factor = 0.5, .patience = 2, .min_lr = 0.3});
  std::vector<double> rates;
  LambdaCallback watch({.on_epoch_end = [&](Model& m, Index epoch, const Logs&) {
    rates.push_back(m.optimizer().learning_rate());
    if (epoch == 0) m.optimizer().set_learning_rate(1);
  }});
  FitOptions options = toy::quiet(6, 10);
  options.shuffle = false;
  options.callbacks = {&reduce, &watch};
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(rates[0] == 0);
  CHECK(rates[1] == 1);
  CHECK(std::ranges::all_of(rates, [](double rate) { return rate == 0 || rate >= 0.3; }));
}

TEST_CASE("LearningRateScheduler sets the rate of each epoch from the epoch and the rate before") {
  std::vector<double> rates;
  LambdaCallback watch({.on_train_batch_begin = [&](Model& m, Index batch) {
    if (batch == 0) rates.push_back(m.optimizer().learning_rate());
  }});
  FitOptions options = toy::quiet(4, 5);
  Sequential model = toy::model({.learning_rate = 0.5});
  LearningRateScheduler halve([](Index epoch, double rate) { return epoch < 2 ? rate : rate / 2; });
  options.callbacks = {&halve, &watch};
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(rates == std::vector<double>{0.5, 0.5, 0.25, 0.125});
  rates.clear();
  LearningRateScheduler of_epoch([](Index epoch) { return 1.0 / static_cast<double>(1 << epoch); });
  options.callbacks = {&of_epoch, &watch};
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(rates == std::vector<double>{1, 0.5, 0.25, 0.125});
}

TEST_CASE("LambdaCallback calls each function at its moment, and leaves out those not given") {
  std::string diary;
  LambdaCallback all(
      {.on_train_begin = [&](Model&) { diary += "begin "; },
       .on_epoch_begin = [&](Model&, Index e) { diary += "e" + std::to_string(e) + " "; },
       .on_train_batch_begin = [&](Model&, Index b) { diary += "b" + std::to_string(b) + " "; },
       .on_train_batch_end =
           [&](Model&, Index, const Logs& logs) {
             diary += logs.contains("loss") ? "loss " : "? ";
           },
       .on_epoch_end =
           [&](Model&, Index e, const Logs& logs) {
             diary += (logs.contains("accuracy") ? "end" : "?") + std::to_string(e) + " ";
           },
       .on_train_end = [&](Model&) { diary += "done"; }});
  LambdaCallback none({});
  FitOptions options = toy::quiet(1, 5);
  options.callbacks = {&none, &all};
  Sequential model = toy::model();
  model.fit(toy::data(10).x, toy::data(10).y, options);
  CHECK(diary == "begin e0 b0 loss b1 loss end0 done");
}

TEST_CASE("callbacks that set rates refuse options out of range, schedules and wrong states") {
  CHECK(refusal<ValueError>([] { ReduceLROnPlateau({.factor = 1}); }) ==
        "ReduceLROnPlateau: factor is 1; it must be at least 0 and below 1");
  CHECK(refusal<ValueError>([] { ReduceLROnPlateau({.patience = -2}); }) ==
        "ReduceLROnPlateau: patience is -2; it must be at least 0");
  CHECK(refusal<ValueError>([] { ReduceLROnPlateau({.cooldown = -1}); }) ==
        "ReduceLROnPlateau: cooldown is -1; it must be at least 0");
  CHECK(refusal<ValueError>([] { ReduceLROnPlateau({.min_lr = not_a_number}); }) ==
        "ReduceLROnPlateau: min_lr is nan; it must be at least 0 and finite");
  CHECK(
      refusal<StateError>([] { ReduceLROnPlateau().load_state({}); }) ==
      "ReduceLROnPlateau: load_state: there is no \"best\" in the state; give the state of such a "
      "callback");
  CHECK(refusal<ValueError>([] {
          LearningRateScheduler(std::function<double(Index, double)>());
        }) == "LearningRateScheduler: the schedule is an empty function; give one");
  CHECK_THROWS_AS(LearningRateScheduler(std::function<double(Index)>()), ValueError);
  Sequential model = with_rate([](Index step) { return 1.0 / static_cast<double>(step + 1); });
  LearningRateScheduler of_epoch([](Index) { return -1.0; });
  CHECK(refusal<StateError>([&] { of_epoch.on_train_begin(model); }) ==
        "sequential: fit: LearningRateScheduler: expected an optimizer whose learning_rate is a "
        "number, got one with a schedule; give it a number, or leave the callback out");
  ReduceLROnPlateau reduce;
  CHECK_THROWS_AS(reduce.on_train_begin(model), StateError);
  CHECK(refusal<ValueError>([&] { of_epoch.on_epoch_begin(model, 3); }) ==
        "sequential: fit: LearningRateScheduler: the rate of epoch 3 is -1; it must be at least 0 "
        "and finite");
  FitOptions options = toy::quiet(1, 4);
  options.callbacks = {&reduce};
  Sequential other = toy::model();
  CHECK(refusal<ValueError>([&] { other.fit(toy::data(8).x, toy::data(8).y, options); }) ==
        "sequential: fit: ReduceLROnPlateau: there is no \"val_loss\" to watch; there are: "
        "accuracy, loss; give fit validation_data");
}
