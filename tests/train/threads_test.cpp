// Promise 1: the same bits for any number of threads. And: looking changes nothing.
#include <doctest/doctest.h>

#include "train/toy.hpp"

using namespace fovea;

namespace {

struct Outcome {
  std::vector<Array> arrays;  // weights, moments, predictions, attention
  std::map<std::string, std::vector<double>, std::less<>> history;
  Logs evaluation;
};

// Labels for each position: its own id's class, or 0.
Ids labels_by_position(const Ids& x) {
  std::vector<std::int32_t> labels;
  for (const std::int32_t id : x.values()) labels.push_back(id >= 1 && id <= 2 ? id : 0);
  return Ids(x.shape(), labels);
}

Outcome trained(Index count, Reading reading) {
  set_threads(count);
  const auto [x, labels] = toy::data(900);
  const Ids y = reading == Reading::per_position ? labels_by_position(x) : labels;
  Sequential model{Embedding{.input_dim = toy::vocabulary, .output_dim = 5, .mask_zero = true},
                   AttentionLayer{.units = 4,
                                  .reading = reading,
                                  .learned_query = reading == Reading::query,
                                  .dropout = real(0.2)},
                   Dropout{real(0.2)}, Dense{toy::classes, Activation::softmax}};
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 9});
  FitOptions options = toy::quiet(3, 350);
  options.validation_split = 0.2;
  for (Index i = 0; i < 900; ++i) options.sample_weight.push_back(0.5 + static_cast<double>(i % 3));
  Outcome outcome{{}, model.fit(x, y, options).history, model.evaluate(x, y, 400)};
  outcome.arrays = toy::weights(model);
  for (const Adam::Slot& slot : model.optimizer().as<Adam>()->slots()) {
    outcome.arrays.push_back(slot["mean"].clone());
    outcome.arrays.push_back(slot["variance"].clone());
  }
  outcome.arrays.push_back(model.predict(x, 300));
  outcome.arrays.push_back(model.attention(x).begin()->second);
  return outcome;
}

struct Threads {
  Index before = threads();
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE(
    "weights, moments, history, predictions and attention are the same bits on 1, 2, 3 and 8 "
    "threads, and again") {
  const Threads restore;
  for (const Reading reading : {Reading::pool, Reading::per_position, Reading::query}) {
    const Outcome one = trained(1, reading);
    for (const Index count : {1, 2, 3, 8, 8}) {
      CAPTURE(count);
      const Outcome other = trained(count, reading);
      CHECK(toy::bits_differ(other.arrays, one.arrays) == "");
      CHECK(other.history == one.history);
      CHECK(other.evaluation == one.evaluation);
    }
  }
}

TEST_CASE(
    "steps of the documented model, exact and lazy, in train_on_batch and in a loop of one's own, "
    "and of a perceptron are the same bits on 1, 2, 3 and 8 threads") {
  const Threads restore;
  enum class Kind { documented, lazy, loop, perceptron };
  const auto after_steps = [](Kind kind, Index count) {
    set_threads(count);
    support::Generate g("steps on threads", 0);
    const bool dense = kind == Kind::perceptron;
    Sequential model =
        dense
            ? Sequential{Dense{256, Activation::relu}, Dense{128, Activation::relu},
                         Dense{10, Activation::softmax}}
            : Sequential{Embedding{3000, 128}, AttentionLayer{64}, Dense{10, Activation::softmax}};
    model.compile({.optimizer = Adam(AdamOptions{.lazy = kind == Kind::lazy}),
                   .loss = SparseCategoricalCrossentropy{},
                   .metrics = {Accuracy{}}});
    model.build(dense ? Shape{784} : Shape{100});
    Adam adam;
    if (kind == Kind::loop) adam.attach(model);
    for (int step = 0; step < 4; ++step) {
      const Samples x =
          dense ? Samples(g.array(Shape{128, 784}, {0, 1})) : Samples(g.ids(Shape{32, 100}, 3000));
      const Samples y = g.ids(Shape{x.count()}, 10);
      if (kind != Kind::loop) {
        model.train_on_batch(x, y);
        continue;
      }
      adam.zero_grad();
      mean(SparseCategoricalCrossentropy{}(model(x, {.training = true, .step = 0}), y)).backward();
      adam.step();
    }
    return toy::weights(model);
  };
  for (const Kind kind : {Kind::documented, Kind::lazy, Kind::loop, Kind::perceptron}) {
    const std::vector<Array> one = after_steps(kind, 1);
    for (const Index count : {2, 3, 8})
      CHECK(toy::bits_differ(after_steps(kind, count), one) == "");
  }
}

TEST_CASE("another seed gives other weights") {
  const auto [x, y] = toy::data(30);
  Sequential a = toy::model({.seed = 1}), b = toy::model({.seed = 2});
  CHECK(toy::bits_differ(toy::weights(a), toy::weights(b)) != "");
}

TEST_CASE(
    "asking for attention, predictions, a summary or an evaluation on the way changes no later "
    "bit") {
  const auto [x, y] = toy::data(400);
  struct Curious : Callback {
    Ids samples, labels;
    void on_train_batch_end(Model& model, Index, const Logs&) override {
      model.attention(samples);
      model.predict(samples, 3);
      model.evaluate(samples, labels);
      model.summary();
    }
  };
  Sequential quiet = toy::model({.dropout = real(0.2)}),
             watched = toy::model({.dropout = real(0.2)});
  Curious curious;
  curious.samples = x.rows(0, 9);
  curious.labels = y.rows(0, 9);
  FitOptions options = toy::quiet(3, 200);
  const History expected = quiet.fit(x, y, options);
  options.callbacks = {&curious};
  CHECK(watched.fit(x, y, options).history == expected.history);
  CHECK(toy::bits_differ(toy::weights(watched), toy::weights(quiet)) == "");
}

TEST_CASE("asking for attention leaves outputs and gradients as they are") {
  const toy::Data data = toy::data(9);
  const Sequential model = toy::model({.dropout = real(0.2)});
  const auto run = [&](AttentionWeights* weights) {
    zero_grad(model);
    const Tensor out = model(data.x, {.training = true, .step = 0, .weights = weights});
    mean(SparseCategoricalCrossentropy{}(out, data.y)).backward();
    std::vector<Array> result = {out.value()};
    for (const NamedParameter& parameter : parameters_of(model))
      result.push_back(parameter.tensor.grad());
    return result;
  };
  AttentionWeights weights;
  CHECK(toy::bits_differ(run(&weights), run(nullptr)) == "");
  REQUIRE(weights.size() == 1);
  CHECK(weights.begin()->first == "sequential/attention_layer");
}
