// A training with everything that a file must keep: rows, dropout, masks, validation, weights of
// samples, metrics and callbacks with states.
#pragma once

#include <doctest/doctest.h>

#include "support/folder.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

namespace training {

using namespace fovea;

constexpr Index epochs = 3, batch_size = 5, samples = 23, batches = 5;

/// A callback whose state depends on all that it saw.
struct Witness : Callback {
  double sum = 0;
  Array last = Array::zeros(Shape{2});
  void on_train_begin(Model&) override { *this = Witness(); }
  void on_epoch_begin(Model&, Index epoch) override { add(static_cast<double>(epoch)); }
  void on_train_batch_begin(Model&, Index batch) override { add(static_cast<double>(batch)); }
  void on_train_batch_end(Model&, Index, const Logs& logs) override {
    add(logs["loss"]);
    add(logs["accuracy"]);
  }
  void on_epoch_end(Model&, Index, const Logs& logs) override { add(logs["val_loss"]); }
  std::string state_name() const override { return "Witness"; }
  CallbackState state() const override { return {{{"sum", sum}}, {{"last", last}}}; }
  void load_state(const CallbackState& state) override {
    sum = state.numbers.at("sum");
    last = state.arrays.at("last");
  }

 private:
  void add(double value) {
    sum = sum * 1.000000001 + value / 3;
    last = Array(Shape{2}, {static_cast<real>(value), last.at(0)});
  }
};

/// Ends a fit by an exception after so many batches, as a crash would.
struct Crash : Callback {
  struct Happened {};
  Index left;
  explicit Crash(Index after) : left(after) {}
  void on_train_batch_end(Model&, Index, const Logs&) override {
    if (--left == 0) throw Happened();
  }
  int turn() const override { return 3; }
};

/// Saves after so many batches.
struct SaveAfter : Callback {
  std::string path;
  Index left;
  SaveAfter(std::string file, Index after) : path(std::move(file)), left(after) {}
  void on_train_batch_end(Model& model, Index, const Logs&) override {
    if (--left == 0) model.save(path);
  }
  int turn() const override { return 1; }
};

inline Optimizer adam() { return Adam{{.learning_rate = ExponentialDecay{0.02, 3, 0.9}}}; }

inline Sequential model(Optimizer optimizer = adam(), std::uint64_t seed = 5,
                        Index rows = toy::vocabulary) {
  Sequential model{Embedding{.input_dim = rows, .output_dim = 5, .mask_zero = true},
                   AttentionLayer{.units = 4, .dropout = real(0.25)}, Dropout{real(0.25)},
                   Dense{toy::classes, Activation::softmax}};
  model.compile({.optimizer = std::move(optimizer),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = seed});
  return model;
}

inline FitOptions options(std::vector<Callback*> callbacks, Index count = epochs) {
  std::vector<double> weight;
  for (Index i = 0; i < samples; ++i) weight.push_back(i % 4 == 0 ? 0.5 : 1);
  const toy::Data other = toy::data(7, 1);
  return {.epochs = count,
          .batch_size = batch_size,
          .validation_data = Validation{other.x, other.y},
          .sample_weight = weight,
          .callbacks = std::move(callbacks),
          .verbose = 0};
}

inline History fit(Model& model, std::vector<Callback*> callbacks, Index count = epochs) {
  const toy::Data data = toy::data(samples);
  return model.fit(data.x, data.y, options(std::move(callbacks), count));
}

/// All that must be equal in the end.
struct Result {
  std::vector<Array> weights;
  History history;
  double witness = 0;
  OptimizerState optimizer = {};
};

inline Result result(Sequential& model, const History& history, const Witness& witness) {
  return {toy::weights(model), history, witness.sum, model.optimizer().state()};
}

/// Empty if two are the same bits.
inline std::string differ(const Result& got, const Result& expected) {
  if (const auto bits = toy::bits_differ(got.weights, expected.weights); !bits.empty())
    return "weights: " + bits;
  if (got.history.epoch != expected.history.epoch) return "the epochs of the history";
  if (got.history.history != expected.history.history) return "the history";
  if (got.witness != expected.witness) return "the callback";
  if (got.optimizer.counters != expected.optimizer.counters) return "the counters";
  if (got.optimizer.learning_rate != expected.optimizer.learning_rate) return "the rate";
  for (const auto& [name, array] : expected.optimizer.arrays)
    if (!got.optimizer.arrays.contains(name) ||
        !support::bits_differ(got.optimizer.arrays.at(name), array).empty())
      return "the slot " + name;
  return "";
}

/// A training that nothing interrupts.
inline Result whole() {
  Sequential model = training::model();
  Witness witness;
  const History history = fit(model, {&witness});
  return result(model, history, witness);
}

}  // namespace training
