// Weights of classes are weights of samples, in training alone.
#include <doctest/doctest.h>

#include "fovea/fovea.hpp"
#include "metrics/states.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;

namespace {

struct Run {
  std::vector<Array> weights;
  std::vector<double> loss, val_loss, accuracy;
};

Sequential classifier() {
  Sequential model{Dense{3, Activation::softmax}};
  model.compile(
      {.loss = SparseCategoricalCrossentropy{}, .weighted_metrics = {Accuracy{}}, .seed = 7});
  return model;
}

Run train(Sequential model, const Array& x, const Samples& y, FitOptions options) {
  options.epochs = 3;
  options.batch_size = 4;
  options.verbose = 0;
  const History history = model.fit(x, y, options);
  Run run{{}, history["loss"], history["val_loss"], history["accuracy"]};
  for (const auto& [path, tensor] : parameters_of(model)) run.weights.push_back(tensor.value());
  return run;
}

bool operator==(const Run& a, const Run& b) {
  bool same = a.loss == b.loss && a.val_loss == b.val_loss && a.accuracy == b.accuracy;
  for (std::size_t i = 0; i < a.weights.size(); ++i)
    same = same && std::ranges::equal(a.weights[i].values(), b.weights[i].values());
  return same;
}

}  // namespace

TEST_CASE("weights of classes are weights of samples, times those given, and validation has none") {
  for (Index trial = 0; trial < 10; ++trial) {
    support::Generate g("class weights", trial);
    const Index samples = g.integer(8, 20), held = g.integer(1, 4);
    const Array x = g.array({samples, 4}, {.low = -1, .high = 1}),
                other = g.array({held, 4}, {.low = -1, .high = 1});
    const Ids y = g.ids(Shape{samples}, 3), other_y = g.ids(Shape{held}, 3);
    const std::map<Index, double> class_weight = {{0, g.uniform(0.5, 3)}, {2, g.uniform(0.1, 9)}};
    std::vector<double> given, expected;
    for (Index i = 0; i < samples; ++i) {
      given.push_back(g.chance(0.2) ? 0 : g.uniform(0.5, 2));
      const auto own = class_weight.find(y.at(i));
      expected.push_back(given.back() * (own == class_weight.end() ? 1 : own->second));
    }
    given[0] = expected[0] = 1;
    if (const auto own = class_weight.find(y.at(0)); own != class_weight.end())
      expected[0] = own->second;
    const Validation validation{other, other_y};
    CHECK(train(classifier(), x, y,
                {.validation_data = validation,
                 .sample_weight = given,
                 .class_weight = class_weight}) ==
          train(classifier(), x, y, {.validation_data = validation, .sample_weight = expected}));
  }
}

TEST_CASE("labels, one-hot rows and single units have classes") {
  support::Generate g("class weights of targets", 0);
  const Array x = g.array({12, 4}, {.low = -1, .high = 1});
  const Ids y = g.ids(Shape{12}, 3), yes = g.ids({12, 1}, 2);
  const std::map<Index, double> class_weight = {{1, 4.0}};
  std::vector<double> of_labels, of_units;
  for (Index i = 0; i < 12; ++i) {
    of_labels.push_back(y.at(i) == 1 ? 4 : 1);
    of_units.push_back(yes.at(i) == 1 ? 4 : 1);
  }
  const auto loss_of = [&](const Loss& loss, Index units, const Samples& target,
                           FitOptions options) {
    Sequential model{Dense{units, units > 1 ? Activation::softmax : Activation::sigmoid}};
    model.compile({.loss = loss, .seed = 3});
    options.verbose = 0;
    return model.fit(x, target, options)["loss"];
  };
  const Samples hot = one_hot(y, 3).value();
  const auto both = [&](const Loss& loss, Index units, const Samples& target,
                        const std::vector<double>& weight) {
    CHECK(loss_of(loss, units, target, {.class_weight = class_weight}) ==
          loss_of(loss, units, target, {.sample_weight = weight}));
  };
  both(SparseCategoricalCrossentropy{}, 3, y, of_labels);
  both(CategoricalCrossentropy{}, 3, hot, of_labels);
  both(BinaryCrossentropy{}, 1, yes, of_units);
}

TEST_CASE("the part that validation_split takes is not weighted") {
  support::Generate g("class weights of a split", 0);
  const Array x = g.array({20, 4}, {.low = -1, .high = 1});
  const Ids y = g.ids(Shape{20}, 3);
  const std::map<Index, double> class_weight = {{0, 2.0}, {1, 0.25}};
  std::vector<double> expected;
  for (Index i = 0; i < 20; ++i)
    expected.push_back(i >= 15 || y.at(i) == 2 ? 1 : class_weight.at(y.at(i)));
  CHECK(train(classifier(), x, y, {.validation_split = 0.25, .class_weight = class_weight}) ==
        train(classifier(), x, y, {.validation_split = 0.25, .sample_weight = expected}));
}

TEST_CASE("weights of classes that make no sense are rejected") {
  const Array x = Array::full({4, 2}, 1);
  const Ids y(Shape{4}, {0, 1, 2, 0});
  const auto told = [&](const std::map<Index, double>& class_weight, const Samples& target) {
    return support::refusal<Error>([&] {
      Sequential model{Dense{3, Activation::softmax}};
      model.compile({.loss = SparseCategoricalCrossentropy{}});
      model.fit(x, target, {.class_weight = class_weight, .verbose = 0});
    });
  };
  CHECK(told({{-1, 1}}, y) == "sequential: fit: class_weight has a class -1; classes begin at 0");
  CHECK(told({{3, 2}}, y) ==
        "sequential: fit: class_weight has a class 3; there are classes 0 to 2");
  CHECK(told({{0, -1}}, y) ==
        "sequential: fit: the weight of class 0 is -1; weights must be finite and at least 0");
  CHECK(told({{0, 0}, {1, 0}, {2, 0}}, y) ==
        "sequential: fit: with class_weight all samples have weight 0, and nothing counts; give a "
        "class that occurs a weight above 0");
  const auto by_position = support::refusal<ShapeError>([&] {
    Sequential model{Embedding{3, 4}, Dense{3, Activation::softmax}};
    model.compile({.loss = SparseCategoricalCrossentropy{}});
    const Ids ids({2, 3}, {0, 1, 2, 0, 1, 2});
    model.fit(ids, ids, {.class_weight = {{0, 2}}, .verbose = 0});
  });
  CHECK(by_position ==
        "sequential: fit: class_weight is given, and targets are (2, 3) for predictions "
        "(2, 3, 3); it needs one label for each sample, or a one-hot row");
}
