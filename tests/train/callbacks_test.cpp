// Callbacks: when they are called, what they may do, and what an exception of theirs leaves behind.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>

#include "train/toy.hpp"

using namespace fovea;

namespace {

const Ids x = toy::data(10).x, y = toy::data(10).y;

struct Diary : Callback {
  std::string text;
  void on_train_begin(Model&) override { text += "begin "; }
  void on_epoch_begin(Model&, Index epoch) override {
    text += "epoch" + std::to_string(epoch) + " ";
  }
  void on_train_batch_begin(Model&, Index batch) override {
    text += "start" + std::to_string(batch) + " ";
  }
  void on_train_batch_end(Model&, Index batch, const Logs& logs) override {
    text += "batch" + std::to_string(batch) + (logs.contains("loss") ? " " : "? ");
  }
  void on_epoch_end(Model&, Index epoch, const Logs&) override {
    text += "end" + std::to_string(epoch) + " ";
  }
  void on_train_end(Model&) override { text += "done"; }
};

struct Bang {};

struct ThrowsAt : Callback {
  Index epoch, batch, now = 0;
  ThrowsAt(Index e, Index b) : epoch(e), batch(b) {}
  void on_epoch_begin(Model&, Index number) override { now = number; }
  void on_train_batch_end(Model&, Index number, const Logs&) override {
    if (now == epoch && number == batch) throw Bang();
  }
};

// Gives the callbacks under test the values that the test wants.
void play(Callback& callback, Sequential& model, const std::vector<double>& losses) {
  callback.on_train_begin(model);
  for (std::size_t i = 0; i < losses.size(); ++i)
    callback.on_epoch_end(model, static_cast<Index>(i), {{"val_loss", losses[i]}});
}

Index epochs_until_stop(EarlyStopping stopping, const std::vector<double>& losses) {
  Sequential model = toy::model();
  stopping.on_train_begin(model);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    stopping.on_epoch_end(model, static_cast<Index>(i), {{"val_loss", losses[i]}});
    if (stopping.stopped_epoch() >= 0) return stopping.stopped_epoch() + 1;
  }
  return -1;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("callbacks are called in order, each at its moment") {
  Diary diary;
  FitOptions options = toy::quiet(2, 4);
  options.callbacks = {&diary};
  toy::model().fit(x, y, options);
  CHECK(diary.text ==
        "begin epoch0 start0 batch0 start1 batch1 start2 batch2 end0 "
        "epoch1 start0 batch0 start1 batch1 start2 batch2 end1 done");
}

namespace {

// Stops the training where its diary ends in a given text.
struct StopsAfter : Diary {
  std::string place;
  explicit StopsAfter(std::string end) : place(std::move(end)) {}
  void see(Model& model) {
    if (text.ends_with(place)) model.stop_training();
  }
  void on_train_begin(Model& model) override {
    Diary::on_train_begin(model);
    see(model);
  }
  void on_epoch_begin(Model& model, Index epoch) override {
    Diary::on_epoch_begin(model, epoch);
    see(model);
  }
  void on_train_batch_begin(Model& model, Index batch) override {
    Diary::on_train_batch_begin(model, batch);
    see(model);
  }
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override {
    Diary::on_train_batch_end(model, batch, logs);
    see(model);
  }
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override {
    CHECK(logs.contains("val_loss"));
    Diary::on_epoch_end(model, epoch, logs);
    see(model);
  }
  void on_train_end(Model& model) override {
    Diary::on_train_end(model);
    see(model);
  }
};

}  // namespace

TEST_CASE(
    "stop_training from any function of a callback ends fit after the present batch, and the epoch "
    "is validated and ended as in Keras") {
  const struct {
    const char *place, *end;
    Index steps;
    std::size_t epochs;
  } cases[] = {
      {"begin ", "epoch0 start0 batch0 end0 done", 1, 1},
      {"epoch1 ", "epoch1 start0 batch0 end1 done", 4, 2},
      {"epoch1 start0 batch0 start1 ", "start1 batch1 end1 done", 5, 2},
      {"epoch1 start0 batch0 start1 batch1 ", "start1 batch1 end1 done", 5, 2},
      {"end1 ", "batch2 end1 done", 6, 2},
      {"done", "end2 done", 9, 3},
  };
  for (const auto& each : cases) {
    CAPTURE(each.place);
    StopsAfter stops(each.place);
    Sequential model = toy::model();
    FitOptions options = toy::quiet(3, 4);
    options.validation_data = Validation{x, y};
    options.callbacks = {&stops};
    const History history = model.fit(x, y, options);
    CHECK_MESSAGE(stops.text.ends_with(each.end), stops.text);
    CHECK(model.optimizer().as<Adam>()->steps() == each.steps);
    CHECK(history["loss"].size() == each.epochs);
    CHECK(history["val_loss"].back() == model.evaluate(x, y, 4)["loss"]);
    options.callbacks = {};
    CHECK(model.fit(x, y, options).epoch.size() == 3);
  }
}

TEST_CASE("stop_training before fit has no effect on it, and from a forward hook ends it") {
  Sequential model = toy::model();
  model.stop_training();
  CHECK(model.fit(x, y, toy::quiet(2, 4)).epoch.size() == 2);
  const Index before = model.optimizer().as<Adam>()->steps();
  model.set_forward_hook("sequential/dense", [&](const Tensor& output) {
    model.stop_training();
    return output;
  });
  CHECK(model.fit(x, y, toy::quiet(2, 4)).epoch.size() == 1);
  CHECK(model.optimizer().as<Adam>()->steps() == before + 1);
}

TEST_CASE("the logs of an epoch that is cut short are those after its last batch") {
  struct Stops : Callback {
    Logs last;
    void on_train_batch_end(Model& model, Index batch, const Logs& logs) override {
      last = logs;
      if (batch == 1) model.stop_training();
    }
  } stops;
  std::ostringstream out;
  FitOptions options{.epochs = 3, .batch_size = 4, .callbacks = {&stops}, .verbose = 2};
  options.output = &out;
  const History history = toy::model().fit(x, y, options);
  CHECK(history["loss"] == std::vector<double>{stops.last["loss"]});
  CHECK(history["accuracy"] == std::vector<double>{stops.last["accuracy"]});
  CHECK_MESSAGE(out.str().find("2/3 - ") != std::string::npos, out.str());
}

TEST_CASE("the logs of an epoch are what history keeps, with val_ in front of what was validated") {
  struct Keep : Callback {
    std::vector<Logs> logs;
    void on_epoch_end(Model&, Index, const Logs& l) override { logs.push_back(l); }
  } keep;
  Sequential model = toy::model();
  FitOptions options = toy::quiet(2, 4);
  options.validation_data = Validation{x, y};
  options.callbacks = {&keep};
  const History history = model.fit(x, y, options);
  REQUIRE(keep.logs.size() == 2);
  for (const char* name : {"loss", "accuracy", "val_loss", "val_accuracy"})
    for (std::size_t epoch : {0U, 1U}) CHECK(keep.logs[epoch].at(name) == history[name][epoch]);
  CHECK(keep.logs[1].at("val_loss") == model.evaluate(x, y, 4).at("loss"));
  CHECK_THROWS_WITH_AS(
      history["f1"],
      "History: there is no \"f1\"; there are: accuracy, loss, val_accuracy, val_loss", IndexError);
}

TEST_CASE(
    "an exception from a callback leaves the model at the end of that batch and the history at the "
    "last whole epoch") {
  Sequential stopped = toy::model({.dropout = real(0.2)}),
             whole = toy::model({.dropout = real(0.2)});
  ThrowsAt bomb(1, 1);  // batches of 4, 4 and 2: the fifth of six steps
  FitOptions options = toy::quiet(2, 4);
  options.callbacks = {&bomb};
  CHECK_THROWS_AS(stopped.fit(x, y, options), Bang);
  CHECK(stopped.optimizer().as<Adam>()->steps() == 5);

  struct AfterFive : Callback {
    int steps = 0;
    std::vector<Array> weights;
    void on_train_batch_end(Model& model, Index, const Logs&) override {
      if (++steps == 5) weights = toy::weights(model);
    }
  } after_five;
  options.callbacks = {&after_five};
  const History history = whole.fit(x, y, options);
  CHECK(toy::bits_differ(toy::weights(stopped), after_five.weights) == "");
  CHECK(stopped.history().epoch == std::vector<Index>{0});
  CHECK(stopped.history()["loss"].size() == 1);
  CHECK(stopped.history()["loss"][0] == history["loss"][0]);

  options.callbacks = {};
  CHECK(stopped.fit(x, y, options).epoch.size() == 2);
}

TEST_CASE(
    "RestoreBestWeights puts back the weights of the best epoch, when training ends or when "
    "asked") {
  struct Weights : Callback {
    std::vector<std::vector<Array>> list;
    void on_epoch_end(Model& model, Index epoch, const Logs&) override {
      list.push_back(toy::weights(model));
      if (epoch != 5) return;
      Dense& dense = *dynamic_cast<Sequential&>(model)
                          .layers()[3]
                          .as<Dense>();  // from here on it is worse, and stays so
      dense.kernel.assign((dense.kernel.detach() * -20).value());
      model.optimizer().set_learning_rate(0);
    }
  } weights;
  Sequential model = toy::model();
  RestoreBestWeights best;
  FitOptions options = toy::quiet(12, 5);
  const auto [other_x, other_y] = toy::data(10, 5);
  options.validation_data = Validation{other_x, other_y};
  options.callbacks = {&best, &weights};
  const History history = model.fit(x, y, options);
  const std::vector<double>& losses = history["val_loss"];
  const auto lowest = std::ranges::min_element(losses) - losses.begin();
  CHECK(lowest <= 5);
  CHECK(best.best_epoch() == lowest);
  CHECK(toy::bits_differ(toy::weights(model), weights.list[static_cast<std::size_t>(lowest)]) ==
        "");
  CHECK(model.evaluate(other_x, other_y, 5).at("loss") == losses[static_cast<std::size_t>(lowest)]);
}

TEST_CASE("RestoreBestWeights prefers the first of equals and a number to NaN") {
  Sequential model = toy::model();
  RestoreBestWeights best;
  play(best, model, {3, 2, 2, 4});
  CHECK(best.best_epoch() == 1);
  play(best, model, {not_a_number, 5, not_a_number, 4, not_a_number});
  CHECK(best.best_epoch() == 3);
}

TEST_CASE("RestoreBestWeights refuses what it cannot do") {
  Sequential model = toy::model(), other{Dense{2}};
  RestoreBestWeights best;
  CHECK_THROWS_WITH_AS(
      best.restore(model),
      "RestoreBestWeights: no epoch has ended yet, so there are no weights to put back",
      StateError);
  CHECK_THROWS_WITH_AS(best.on_epoch_end(model, 0, {{"loss", 1}}),
                       "sequential: fit: RestoreBestWeights: there is no \"val_loss\" to watch; "
                       "there are: loss; give fit validation_data",
                       ValueError);
  play(best, model, {1});
  other.build(Shape{3});
  CHECK_THROWS_WITH_AS(
      best.restore(other),
      "RestoreBestWeights: the weights of 9 parameters are remembered, and this model has 2",
      ValueError);
}

TEST_CASE("EarlyStopping waits for `patience` epochs without improvement, as Keras does") {
  CHECK(epochs_until_stop(EarlyStopping(), {3, 2, 1}) == -1);
  CHECK(epochs_until_stop(EarlyStopping(0), {3, 2, 2, 1}) == 3);
  CHECK(epochs_until_stop(EarlyStopping(1), {3, 2, 2, 1}) == 3);
  CHECK(epochs_until_stop(EarlyStopping(2), {3, 2, 2, 1, 1, 1}) == 6);
  CHECK(epochs_until_stop(EarlyStopping(2, 0.5), {3, 2.6, 2.4, 2.2, 2.2}) == 5);
  CHECK(epochs_until_stop(EarlyStopping(2), {3, not_a_number, not_a_number}) == 3);
}

TEST_CASE("EarlyStopping ends fit after that epoch, and starts anew with the next fit") {
  Sequential model = toy::model({.learning_rate = 0});
  EarlyStopping stopping(2, 0, "loss");
  Diary diary;
  FitOptions options = toy::quiet(10, 10);
  options.shuffle = false;
  options.callbacks = {&stopping, &diary};
  CHECK(stopping.stopped_epoch() == -1);
  CHECK(model.fit(x, y, options).epoch.size() == 3);
  CHECK(stopping.stopped_epoch() == 2);
  CHECK(diary.text.ends_with("end2 done"));
  CHECK(model.fit(x, y, options).epoch.size() == 3);
}

TEST_CASE(
    "EarlyStopping refuses a patience or a difference below 0, and a name that is not there") {
  CHECK_THROWS_WITH_AS(EarlyStopping(-1), "EarlyStopping: patience is -1; it must be at least 0",
                       ValueError);
  CHECK_THROWS_WITH_AS(EarlyStopping(0, -0.5),
                       "EarlyStopping: min_delta is -0.5; it must be at least 0 and finite",
                       ValueError);
  CHECK_THROWS_AS(EarlyStopping(0, not_a_number), ValueError);
  EarlyStopping stopping(0, 0, "f1");
  Sequential model = toy::model();
  FitOptions options = toy::quiet(1, 4);
  options.callbacks = {&stopping};
  CHECK_THROWS_WITH_AS(
      model.fit(x, y, options),
      "sequential: fit: EarlyStopping: there is no \"f1\" to watch; there are: accuracy, loss",
      ValueError);
}

TEST_CASE(
    "with verbose 0 nothing is written anywhere; otherwise to the stream that is given, and to "
    "standard output without one") {
  std::ostringstream standard, given;
  std::streambuf* const before = std::cout.rdbuf(standard.rdbuf());
  FitOptions options = toy::quiet(2, 4);
  toy::model().fit(x, y, options);
  const std::string silent = standard.str();
  options.verbose = 2;
  options.output = &given;
  toy::model().fit(x, y, options);
  const std::string still_silent = standard.str();
  options.output = nullptr;
  toy::model().fit(x, y, options);
  std::cout.rdbuf(before);
  CHECK(silent == "");
  CHECK(still_silent == "");
  CHECK(given.str().find("Epoch 2/2") != std::string::npos);
  CHECK(given.str().find("accuracy: ") != std::string::npos);
  CHECK(standard.str().find("Epoch 2/2") != std::string::npos);
}
