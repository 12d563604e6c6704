// What fit, evaluate and predict refuse: with words, and before anything has changed.
#include <doctest/doctest.h>

#include <limits>

#include "train/toy.hpp"

using namespace fovea;

namespace {

const Ids x = toy::data(10).x, y = toy::data(10).y;

// The same ids with one replaced.
Ids with(const Ids& ids, Index position, std::int32_t value) {
  std::vector<std::int32_t> values(ids.values().begin(), ids.values().end());
  values[static_cast<std::size_t>(position)] = value;
  return Ids(ids.shape(), values);
}

// Fits with options as `change` makes them.
template <class Change>
void fit_with(const Change& change) {
  FitOptions options = toy::quiet(1, 4);
  change(options);
  toy::model().fit(x, y, options);
}

// Runs `call` on a trained model; whatever it throws, not a bit of the model may be another
// afterwards.
template <class Call>
void unchanged(const Call& call) {
  Sequential model = toy::model();
  model.fit(x, y, toy::quiet(1, 4));
  const std::vector<Array> before = toy::weights(model);
  const Index steps = model.optimizer().as<Adam>()->steps();
  call(model);
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  CHECK(model.optimizer().as<Adam>()->steps() == steps);
}

}  // namespace

TEST_CASE("options out of range are refused, each with its name and value") {
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.epochs = 0; }),
                       "sequential: fit: epochs is 0; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.epochs = -2; }),
                       "sequential: fit: epochs is -2; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.batch_size = 0; }),
                       "sequential: fit: batch_size is 0; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.batch_size = -7; }),
                       "sequential: fit: batch_size is -7; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.verbose = -1; }),
                       "sequential: fit: verbose is -1; it must be 0, 1 or 2", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.verbose = 3; }),
                       "sequential: fit: verbose is 3; it must be 0, 1 or 2", ValueError);
  for (const double split : {-0.1, 1.0, 1.5})
    CHECK_THROWS_AS(fit_with([=](FitOptions& o) { o.validation_split = split; }), ValueError);
  CHECK_THROWS_WITH_AS(
      fit_with([](FitOptions& o) { o.validation_split = 1.5; }),
      "sequential: fit: validation_split is 1.5; it must be at least 0 and below 1", ValueError);
  CHECK_THROWS_WITH_AS(
      fit_with([](FitOptions& o) {
        o.validation_split = 0.5;
        o.validation_data = Validation{x, y};
      }),
      "sequential: fit: both validation_data and validation_split are given; give one", ValueError);
  CHECK_THROWS_WITH_AS(
      fit_with([](FitOptions& o) {
        o.sample_weight = {1, 2};
      }),
      "sequential: fit: 2 sample weights for 10 samples; give one for each sample, or none",
      ShapeError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) {
                         o.sample_weight.assign(10, std::numeric_limits<double>::infinity());
                       }),
                       "sequential: fit: the sample weight at position 0 is inf; weights must be "
                       "finite and at least 0",
                       ValueError);
  CHECK_THROWS_AS(fit_with([](FitOptions& o) {
                    o.sample_weight.assign(10, std::numeric_limits<double>::quiet_NaN());
                  }),
                  ValueError);
  CHECK_THROWS_WITH_AS(fit_with([](FitOptions& o) { o.callbacks = {nullptr}; }),
                       "sequential: fit: callback 0 is null; leave it out", ValueError);
  TerminateOnNaN once;
  CHECK_THROWS_WITH_AS(fit_with([&](FitOptions& o) {
                         o.callbacks = {&once, &once};
                       }),
                       "sequential: fit: callback 1 is one of those before it; give it once",
                       ValueError);
  CHECK_THROWS_AS(toy::model().evaluate(x, y, 0), ValueError);
  CHECK_THROWS_AS(toy::model().predict(x, -1), ValueError);
}

TEST_CASE("no samples are refused, to train on, to validate on and to evaluate") {
  const Ids none_x = x.rows(0, 0), none_y = y.rows(0, 0);
  CHECK_THROWS_WITH_AS(toy::model().fit(none_x, none_y, toy::quiet(1, 4)),
                       "sequential: fit: there are no samples to train on", ValueError);
  CHECK_THROWS_WITH_AS(fit_with([&](FitOptions& o) {
                         o.validation_data = Validation{none_x, none_y};
                       }),
                       "sequential: fit: validation_data holds no samples", ValueError);
  CHECK_THROWS_WITH_AS(toy::model().evaluate(none_x, none_y),
                       "sequential: evaluate: there are no samples", ValueError);
  CHECK_THROWS_WITH_AS(toy::model().train_on_batch(none_x, none_y),
                       "sequential: train_on_batch: the batch is empty", ValueError);
  FitOptions all_for_validation = toy::quiet(1, 4);
  all_for_validation.validation_split = 0.5;
  CHECK_THROWS_AS(toy::model().fit(x.rows(0, 1), y.rows(0, 1), all_for_validation), ValueError);
}

TEST_CASE("counts and shapes that do not fit are refused") {
  Sequential model = toy::model();
  CHECK_THROWS_WITH_AS(model.fit(x, y.rows(0, 9), toy::quiet(1, 4)),
                       "sequential: fit: x holds 10 samples, y holds 9; the numbers must be equal",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      model.evaluate(x.rows(0, 9), y),
      "sequential: evaluate: x holds 9 samples, y holds 10; the numbers must be equal", ShapeError);
  CHECK_THROWS_WITH_AS(model.evaluate(x.reshaped(Shape{10, 3, 2}), y),
                       "sequential: evaluate: built for samples of shape (6,); these are (3, 2), "
                       "which a layer does not accept: "
                       "sequential/attention_layer: AttentionLayer: x is (1, 3, 2, 5); it must be "
                       "(batch, time, features)",
                       ShapeError);
  const std::string labels =
      "; labels must have the predictions' shape without its last axis, the classes";
  CHECK_THROWS_WITH_AS(
      model.fit(x, y.reshaped(Shape{10, 1}), toy::quiet(1, 4)),
      ("sequential: sparse_categorical_crossentropy: predictions are (10, 3), labels (10, 1)" +
       labels)
          .c_str(),
      ShapeError);
  CHECK_THROWS_WITH_AS(
      model.fit(x, Array::zeros(Shape{10}), toy::quiet(1, 4)),
      "sequential: sparse_categorical_crossentropy: expected class labels (Ids), got real-valued "
      "targets of shape (10,); give labels as Ids; CategoricalCrossentropy takes distributions",
      ValueError);
  CHECK_THROWS_WITH_AS(
      model.predict(Array::zeros(Shape{1, 6})),
      "sequential/embedding: Embedding expected ids, got real numbers of shape (1, 6); give Ids",
      ValueError);
}

TEST_CASE(
    "an id out of range is refused with layer, position and value before any weight changes, "
    "wherever it stands") {
  for (const std::int32_t id : {-1, 12, 2147483647})
    unchanged([&](Sequential& model) {
      const Ids bad =
          with(x, 57, id);  // of the last sample but one: earlier batches would have trained
      const std::string wrong =
          "/embedding: Embedding: the id at position 57 of ids of shape (10, 6) is " +
          std::to_string(id) + "; input_dim is 12, so ids are 0 to 11";
      const std::string text = "sequential" + wrong,
                        validation = "sequential: fit: validation_data" + wrong;
      FitOptions options = toy::quiet(3, 4);
      options.shuffle = false;
      CHECK_THROWS_WITH_AS(model.fit(bad, y, options), text.c_str(), IndexError);
      CHECK_THROWS_WITH_AS(model.train_on_batch(bad, y), text.c_str(), IndexError);
      CHECK_THROWS_WITH_AS(model.evaluate(bad, y), text.c_str(), IndexError);
      options.validation_data = Validation{bad, y};
      CHECK_THROWS_WITH_AS(model.fit(x, y, options), validation.c_str(), IndexError);
      CHECK_THROWS_WITH_AS(model.predict(bad), text.c_str(), IndexError);
    });
}

TEST_CASE(
    "a label out of range is refused with position and value before any weight changes, wherever "
    "it stands") {
  for (const std::int32_t label : {-1, 3, 2147483647})
    unchanged([&](Sequential& model) {
      const Ids bad = with(y, 9, label);
      const std::string wrong = ": sparse_categorical_crossentropy: the label at position 9 is " +
                                std::to_string(label) + "; there are classes 0 to 2";
      const std::string text = "sequential" + wrong,
                        validation = "sequential: fit: validation_data" + wrong;
      CHECK_THROWS_WITH_AS(model.fit(x, bad, toy::quiet(3, 4)), text.c_str(), IndexError);
      CHECK_THROWS_WITH_AS(model.train_on_batch(x, bad), text.c_str(), IndexError);
      CHECK_THROWS_WITH_AS(model.evaluate(x, bad), text.c_str(), IndexError);
      FitOptions options = toy::quiet(3, 4);
      options.validation_data = Validation{x, bad};
      CHECK_THROWS_WITH_AS(model.fit(x, y, options), validation.c_str(), IndexError);
    });
}

TEST_CASE("the error of an id knows its place as facts too") {
  try {
    toy::model().fit(with(x, 0, 99), y, toy::quiet(1, 4));
    FAIL("nothing was thrown");
  } catch (const IndexError& error) {
    CHECK(error.path() == "sequential/embedding");
  }
}

TEST_CASE("a model that is not compiled, not built or empty says what to call") {
  Sequential raw{Embedding{12, 5}, AttentionLayer{4}, Dense{3, Activation::softmax}};
  CHECK_THROWS_WITH_AS(raw.fit(x, y),
                       "sequential: fit: it is not compiled; call compile with a loss first",
                       StateError);
  CHECK_THROWS_WITH_AS(raw.evaluate(x, y),
                       "sequential: evaluate: it is not compiled; call compile with a loss first",
                       StateError);
  CHECK_THROWS_WITH_AS(
      raw.predict(x),
      "sequential: predict: it is not built; call fit, or build with the shape of a sample",
      StateError);
  CHECK_THROWS_WITH_AS(
      raw.attention(x),
      "sequential: attention: it is not built; call build with the shape of a sample, or fit",
      StateError);
  CHECK_THROWS_WITH_AS(raw.optimizer(), "sequential: it has no optimizer yet; call compile",
                       StateError);
  CHECK_THROWS_WITH_AS(raw.compile({.optimizer = Adam{}}),
                       "sequential: compile: there is no loss; give one, such as .loss = "
                       "SparseCategoricalCrossentropy{}",
                       ValueError);
  raw.compile({.loss = SparseCategoricalCrossentropy{}});
  CHECK_THROWS_WITH_AS(
      raw.evaluate(x, y),
      "sequential: evaluate: it is not built; call fit, or build with the shape of a sample",
      StateError);
  Sequential empty;
  empty.compile({.loss = SparseCategoricalCrossentropy{}});
  CHECK_THROWS_WITH_AS(empty.fit(x, y), "sequential: fit: it has no layers; add some", StateError);
  CHECK_THROWS_WITH_AS(empty.build(Shape{6}), "sequential: there are no layers to build; add some",
                       StateError);
}

TEST_CASE("an optimiser that two models share is noticed, instead of training the wrong one") {
  const CompileOptions options{.loss = SparseCategoricalCrossentropy{}};
  Sequential a{Embedding{12, 5}, AttentionLayer{4}, Dense{3, Activation::softmax}},
      b{Embedding{12, 5}, AttentionLayer{4}, Dense{3, Activation::softmax}};
  a.compile(options);
  b.compile(options);
  a.fit(x, y, toy::quiet(1, 4));
  b.fit(x, y, toy::quiet(1, 4));
  const std::vector<Array> before = toy::weights(b);
  CHECK_THROWS_WITH_AS(
      a.fit(x, y, toy::quiet(1, 4)),
      "sequential: its optimizer was attached to another model, or replaced, after compile; call "
      "compile again, with an optimizer of its own for each model",
      StateError);
  CHECK(toy::bits_differ(toy::weights(b), before) == "");
}
