// What a user may get wrong between the calls: each is refused with what to do, and leaves the
// model as it was.
#include <doctest/doctest.h>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

const Ids ids(Shape{4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 3, 5});
const Ids labels(Shape{4}, {0, 1, 0, 1});

Sequential small_model() {
  Sequential model{Embedding{10, 4}, AttentionLayer{3}, Dense{2, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  return model;
}

std::vector<std::vector<real>> weights(const Sequential& model) {
  std::vector<std::vector<real>> all;
  for (const NamedParameter& parameter : parameters_of(model))
    all.emplace_back(parameter.tensor.value().values().begin(),
                     parameter.tensor.value().values().end());
  return all;
}

struct Identity {
  static constexpr bool mixes_samples = false, gradient_is_rows = false;
  Tensor operator()(const Tensor& x, const Context&) const { return x; }
};

struct SaysWhetherRecorded {
  static constexpr const char* name = "recorded";
  Array operator()(const Array&, const Samples& target) const {
    Array values(target.shape());
    std::ranges::fill(values.mutable_values(), grad_enabled() ? real(1) : real(0));
    return values;
  }
};

struct Single {
  Tensor operator()(const Tensor& x, const Context&) const { return sum(x); }
  static MaskFlow mask_flow() { return MaskFlow::ends; }
};

}  // namespace

TEST_CASE("two values of the logs under one name are refused") {
  Sequential model = small_model();
  CHECK_THROWS_WITH_AS(
      model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}, Accuracy{}}}),
      "sequential: compile: two values of the logs would be called \"accuracy\"; give each metric "
      "a name of its own, other than \"loss\"",
      ValueError);
}

TEST_CASE("metrics are not recorded, in training either") {
  Sequential model = small_model();
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {SaysWhetherRecorded{}}});
  CHECK(model.train_on_batch(ids, labels).at("recorded") == 0);
  CHECK(model.evaluate(ids, labels).at("recorded") == 0);
}

TEST_CASE("a model that gives one number for a batch is told so by name") {
  Sequential model{Dense{2}, Single{}};
  model.build({3});
  CHECK_THROWS_WITH_AS(model.predict(Array(Shape{2, 3}, {1, 2, 3, 4, 5, 6})),
                       "sequential: its output for a batch is a scalar; it must have a "
                       "first axis, the samples",
                       ShapeError);
}

TEST_CASE("a layer frozen between two fits needs compile, and then stands still") {
  Sequential model = small_model();
  model.fit(ids, labels, {.verbose = 0});
  Dense& dense = *model.layers()[2].as<Dense>();
  set_trainable(dense, false);
  const auto before = weights(model);
  CHECK_THROWS_WITH_AS(
      model.fit(ids, labels, {.verbose = 0}),
      "sequential: parameters were frozen, unfrozen or replaced after compile; call compile again",
      StateError);
  CHECK(weights(model) == before);
  model.compile({.loss = SparseCategoricalCrossentropy{}});
  model.fit(ids, labels, {.epochs = 3, .verbose = 0});
  CHECK(weights(model)[7] == before[7]);
  CHECK(weights(model)[8] == before[8]);
  CHECK(weights(model)[0] != before[0]);
}

TEST_CASE("a summary between fits and predictions changes no prediction") {
  Sequential model = small_model();
  model.fit(ids, labels, {.epochs = 5, .batch_size = 1, .verbose = 0});
  set_trainable(*model.layers()[0].as<Embedding>(), false);
  const Array before = model.predict(ids);
  model.summary();
  const Array after = model.predict(ids);
  CHECK(std::ranges::equal(before.values(), after.values()));
}

TEST_CASE("training where nothing is recorded is refused") {
  Sequential model = small_model();
  const NoGrad no_grad;
  CHECK_THROWS_WITH_AS(
      model.fit(ids, labels, {.verbose = 0}),
      "sequential: fit: gradient recording is disabled by NoGrad; train outside its scope",
      StateError);
  CHECK_THROWS_WITH_AS(model.train_on_batch(ids, labels),
                       "sequential: train_on_batch: gradient recording is disabled by NoGrad; "
                       "train outside its scope",
                       StateError);
}

TEST_CASE("a metric that cannot be computed is refused before the first batch") {
  struct AnyTargets {
    Tensor operator()(const Tensor& prediction, const Samples&) const {
      return mean(prediction, -1);
    }
  };
  Sequential model{Dense{2, Activation::softmax}};
  model.compile({.loss = AnyTargets{}, .metrics = {Accuracy{}}});
  const Array x = Array::zeros({4, 3}), three = Array::zeros({4, 3});
  model.build({3});
  const auto before = weights(model);
  CHECK_THROWS_WITH_AS(model.fit(x, three, {.verbose = 0}),
                       "sequential: accuracy: predictions are (4, 2), targets (4, 3); labels must "
                       "have the predictions' shape "
                       "without its last axis, the "
                       "classes, and one-hot targets the same shape",
                       ShapeError);
  CHECK(weights(model) == before);
}

TEST_CASE("after samples of a wrong shape, the right ones are taken") {
  Sequential model{Dense{4}, AttentionLayer{8}, Dense{2, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}});
  CHECK_THROWS_AS(model.fit(Array::zeros({4, 5}), labels, {.verbose = 0}), ShapeError);
  model.fit(Array::zeros({4, 6, 7}), labels, {.verbose = 0});
  CHECK(model.layers()[0].as<Dense>()->kernel.shape() == Shape{7, 4});
}

TEST_CASE("a trait of a module that says false means false") {
  CHECK(!Layer(Identity{}).mixes_samples());
}
