// Sequences of other lengths than the model was built for: a time axis is free unless a layer fixes
// it.
#include <doctest/doctest.h>

#include <cmath>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;

// A number for each position, learned: the time axis is fixed.
struct Positions {
  Tensor table = {};

  Shape build(const Shape& sample, const Rng&) {
    if (!table.defined()) table = Tensor::parameter(Array::zeros(sample));
    return sample;
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x + table; }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
  static void parameters(auto& self, auto&& visit) { visit("table", self.table); }
};

struct Data {
  Ids x, y;
};

Data data(Index samples, Index time, Index trial) {
  support::Generate g("lengths", trial);
  std::vector<std::int32_t> ids;
  for (Index i = 0; i < samples * time; ++i)
    ids.push_back(static_cast<std::int32_t>(g.integer(1, 11)));
  return {Ids({samples, time}, ids), g.ids({samples}, 3)};
}

// Models in which no layer fixes the length.
Sequential free_model(Index which) {
  Sequential model;
  model.add(Layer(Embedding{12, 5, which != 2}));
  switch (which) {
    case 0:
      model.add(Layer(AttentionLayer{4}));
      break;
    case 1:
      model.add(Layer(GRU{4}));
      break;
    case 2:
      model.add(Layer(Conv1D{.filters = 4, .kernel_size = 2, .activation = Activation::relu}));
      model.add(Layer(MaxPooling1D{}));
      model.add(Layer(GlobalAveragePooling1D{}));
      break;
    default:
      model.add(Layer(AttentionLayer{.units = 4, .reading = Reading::per_position}));
      model.add(Layer(LSTM{3, true}));
      model.add(Layer(GlobalAveragePooling1D{}));
  }
  model.add(Layer(Dense{3, Activation::softmax}));
  model.compile({.optimizer = Adam{{.learning_rate = 0}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 1});
  return model;
}

}  // namespace

TEST_CASE(
    "evaluate, predict and validation take other sequence lengths than fit where every layer "
    "accepts them") {
  for (Index which = 0; which < 4; ++which)
    for (Index trial = 0; trial < 5; ++trial) {
      support::Generate g("other lengths", trial);
      const Data train = data(10, 6, trial),
                 other = data(g.integer(1, 9), g.integer(4, 40), trial + 50);
      Sequential model = free_model(which);
      FitOptions options = toy::quiet(1, 4);
      options.validation_data = Validation{other.x, other.y};
      const History history = model.fit(train.x, train.y, options);
      const double expected = toy::categorical_crossentropy(model.predict(other.x), other.y);
      CHECK(model.evaluate(other.x, other.y, 4).at("loss") == doctest::Approx(expected).epsilon(t));
      CHECK(history["val_loss"][0] == model.evaluate(other.x, other.y, 4).at("loss"));
      CHECK(history["val_accuracy"][0] == model.evaluate(other.x, other.y, 4).at("accuracy"));
    }
}

TEST_CASE(
    "predictions, and batches that are trained on, of another length are cut by that length") {
  // Longer ones have more shards: 512 positions each.
  const Index before = threads();
  for (Index which = 0; which < 4; ++which) {
    const Data built = data(10, 6, 0), longer = data(64, 100, 1);
    std::vector<std::vector<Array>> results;
    for (const Index count : {1, 3}) {
      set_threads(count);
      Sequential fitted = free_model(which), by_batch = free_model(which),
                 direct = free_model(which);
      for (Sequential* model : {&fitted, &by_batch, &direct}) {
        model->optimizer().set_learning_rate(0.05);
        model->build(Shape{model == &direct ? 100 : 6});
      }
      const Array early = fitted.predict(longer.x, 64);
      CHECK(support::bits_differ(early, direct.predict(longer.x, 64)) == "");
      FitOptions options = toy::quiet(1, 64);
      options.shuffle = false;
      fitted.fit(longer.x, longer.y, options);
      by_batch.train_on_batch(longer.x, longer.y);
      CHECK(toy::bits_differ(toy::weights(by_batch), toy::weights(fitted)) == "");
      results.push_back(toy::weights(fitted));
      results.back().push_back(early);
    }
    CHECK(toy::bits_differ(results[0], results[1]) == "");
  }
  set_threads(before);
}

TEST_CASE("a label for each position goes with any length") {
  Sequential model{Embedding{12, 5, true}, GRU{4, true}, Dense{3, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  const Ids x = data(6, 5, 0).x, longer = data(6, 9, 1).x;
  model.fit(x, support::Generate("positions", 0).ids({6, 5}, 3), toy::quiet(1, 4));
  CHECK(std::isfinite(
      model.evaluate(longer, support::Generate("positions", 1).ids({6, 9}, 3)).at("loss")));
  CHECK(support::refusal<ShapeError>([&] {
          model.evaluate(longer, support::Generate("positions", 1).ids({6, 5}, 3));
        }) ==
        "sequential: sparse_categorical_crossentropy: predictions are (6, 9, 3), labels (6, 5); "
        "labels must have the predictions' "
        "shape "
        "without its last axis, the classes");
}

TEST_CASE(
    "asking about other lengths changes no number of the model and no shape that it was built "
    "for") {
  const Data train = data(10, 6, 0), other = data(4, 11, 1);
  Sequential model = free_model(0);
  model.fit(train.x, train.y, toy::quiet(1, 4));
  const std::vector<Array> before = toy::weights(model);
  const std::string summary = model.summary();
  int seen = 0;
  model.set_forward_hook("sequential/dense", [&seen](const Tensor& y) { return ++seen, y; });
  model.evaluate(other.x, other.y, 4);
  CHECK(seen == 1);  // the trial of the layers calls no hook
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  CHECK(model.summary() == summary);
}

TEST_CASE(
    "a layer that fixes the time axis refuses other lengths, in evaluate and in validation before "
    "anything is trained") {
  const Data train = data(10, 6, 0), other = data(4, 7, 1);
  Sequential positions{Embedding{12, 5}, Positions{}, AttentionLayer{4},
                       Dense{3, Activation::softmax}};
  Sequential flat{Embedding{12, 5}, Flatten{}, Dense{3, Activation::softmax}};
  const std::string shapes =
      ": built for samples of shape (6,); these are (7,), which a layer does not accept: ";
  const std::vector<std::string> reasons = {"sequential/positions: add: ",
                                            "sequential/dense: Dense: x is (1, 35), built for 30 "
                                            "features; the last size of x must be 30"};
  std::size_t which = 0;
  for (Sequential* model : {&positions, &flat}) {
    model->compile({.loss = SparseCategoricalCrossentropy{}});
    model->fit(train.x, train.y, toy::quiet(1, 4));
    const std::vector<Array> before = toy::weights(*model);
    CHECK(support::refusal<ShapeError>([&] {
            model->evaluate(other.x, other.y);
          }).starts_with("sequential: evaluate" + shapes + reasons[which]));
    FitOptions options = toy::quiet(1, 4);
    options.validation_data = Validation{other.x, other.y};
    CHECK(support::refusal<ShapeError>([&] {
            model->fit(train.x, train.y, options);
          }).starts_with("sequential: fit: validation_data" + shapes + reasons[which]));
    CHECK(toy::bits_differ(toy::weights(*model), before) == "");
    ++which;
  }
}
