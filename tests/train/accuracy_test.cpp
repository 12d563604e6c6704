// What counts as right: resolved from the shapes, as Keras' "accuracy" is.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN();

std::vector<real> right(const Array& prediction, const Samples& target,
                        const Accuracy& accuracy = {}) {
  accuracy.check(prediction.shape(), target);
  const Array values = accuracy(prediction, target);
  return {values.values().begin(), values.values().end()};
}

using List = std::vector<real>;

Array one_hot_of(const Ids& labels, Index classes) { return one_hot(labels, classes).value(); }

}  // namespace

TEST_CASE("accuracy of labels: the most probable class, the first of equals, is the label") {
  const Array p({4, 3}, {real(0.1), real(0.7), real(0.2), real(0.5), real(0.5), 0, real(0.2),
                         real(0.3), real(0.5), 1, 0, 0});
  CHECK(right(p, Ids({4}, {1, 0, 1, 0})) == List{1, 1, 0, 1});
  CHECK(right(p, Ids({4}, {1, 1, 2, 2})) == List{1, 0, 1, 0});
}

TEST_CASE(
    "accuracy resolves labels, a column of labels, labels as numbers and one-hot targets from "
    "shapes, and all say the same") {
  for (Index trial = 0; trial < 50; ++trial) {
    support::Generate g("accuracy", trial);
    const Index classes = g.integer(2, 9), count = g.integer(1, 12);
    const bool by_position = g.chance(0.5);
    const Shape samples = by_position ? Shape{count, 3} : Shape{count},
                column = by_position ? Shape{count, 3, 1} : Shape{count, 1},
                wide = by_position ? Shape{count, 3, classes} : Shape{count, classes};
    const Array p = g.array(wide, {.low = 0, .high = 1, .distinct = true});
    const Ids labels = g.ids(samples, classes);
    List expected, numbers;
    for (Index i = 0; i < labels.count(); ++i) {
      const real* const row = p.data() + i * classes;
      expected.push_back(std::max_element(row, row + classes) - row == labels.at(i) ? real(1)
                                                                                    : real(0));
      numbers.push_back(static_cast<real>(labels.at(i)));
    }
    const Array hot = one_hot_of(labels, classes);
    std::vector<std::int32_t> hot_ids(hot.values().begin(), hot.values().end());
    CHECK(right(p, labels) == expected);
    CHECK(right(p, labels.reshaped(column)) == expected);
    CHECK(right(p, Array(samples, numbers)) == expected);
    CHECK(right(p, hot) == expected);
    CHECK(right(p, Ids(wide, hot_ids)) == expected);
  }
}

TEST_CASE(
    "accuracy of a single unit has a threshold at 0.5, for targets with and without their last "
    "axis, ids and numbers") {
  const Array p({5, 1}, {real(0.2), real(0.8), real(0.5), real(0.50001), 1});
  for (const Samples& target :
       {Samples(Ids({5}, {0, 1, 0, 0, 0})), Samples(Ids({5, 1}, {0, 1, 0, 0, 0})),
        Samples(Array({5}, {0, 1, 0, 0, 0})), Samples(Array({5, 1}, {0, 1, 0, 0, 0}))})
    CHECK(right(p, target) == List{1, 1, 1, 0, 0});
  CHECK(right(p, Array({5}, {real(0.2), real(0.8), real(0.5), 1, 1})) ==
        List{0, 0, 0, 1, 1});  // as in Keras: equal or not
}

TEST_CASE("the threshold of logits is 0") {
  const Array logits({4, 1}, {-1, real(0.25), 0, 3});
  CHECK(right(logits, Ids({4}, {0, 1, 0, 1}), Accuracy{.threshold = 0}) == List{1, 1, 1, 1});
  CHECK(right(logits, Ids({4}, {0, 1, 0, 1})) == List{1, 0, 1, 1});
}

TEST_CASE(
    "a NaN prediction is never right, whatever the label, the place of the NaN and the kind of "
    "target") {
  for (Index trial = 0; trial < 60; ++trial) {
    support::Generate g("accuracy of NaN", trial);
    const Index classes = g.integer(2, 6);
    Array p = g.array({1, classes}, {.low = 0, .high = 1});
    p.mutable_data()[g.integer(0, classes - 1)] = not_a_number;
    if (g.chance(0.3)) std::ranges::fill(p.mutable_values(), not_a_number);
    for (std::int32_t label = 0; label < classes; ++label) {
      const Ids labels({1}, {label});
      CHECK(right(p, labels) == List{0});
      CHECK(right(p, one_hot_of(labels, classes)) == List{0});
    }
  }
  for (const real label : {real(0), real(1), not_a_number})
    CHECK(right(Array({1, 1}, {not_a_number}), Array({1}, {label})) == List{0});
}

TEST_CASE("a model of NaN has accuracy 0") {
  const auto [x, y] = toy::data(40);
  Sequential model = toy::model();
  Dense& dense = *model.layers()[3].as<Dense>();
  dense.bias.assign(Array::full(dense.bias.shape(), not_a_number));
  CHECK(model.evaluate(x, y).at("accuracy") == 0);
}

TEST_CASE("a target that holds NaN is never met") {
  CHECK(right(Array({1, 1}, {real(0.2)}), Array({1}, {not_a_number})) == List{0});
  CHECK(right(Array({1, 2}, {real(0.2), real(0.8)}), Array({1}, {not_a_number})) == List{0});
  CHECK(right(Array({1, 2}, {real(0.2), real(0.8)}), Array({1, 2}, {0, not_a_number})) == List{0});
}

TEST_CASE("accuracy broadcasts nothing: any other pair of shapes is refused") {
  const std::string rule =
      "; labels must have the predictions' shape without its last axis, the classes, and one-hot "
      "targets the same shape";
  const auto refusal = [](const Shape& prediction, const Samples& target) {
    return support::refusal<ShapeError>([&] { Accuracy().check(prediction, target); });
  };
  CHECK(refusal({4, 3}, Ids({3}, {0, 1, 2})) ==
        "accuracy: predictions are (4, 3), targets (3,)" + rule);
  CHECK(refusal({4, 3}, Array::zeros({4, 2})) ==
        "accuracy: predictions are (4, 3), targets (4, 2)" + rule);
  CHECK(refusal({4, 1}, Array::zeros({4, 2})) ==
        "accuracy: predictions are (4, 1), targets (4, 2)" + rule);
  CHECK(refusal({}, Array::zeros({1})) == "accuracy: predictions are (), targets (1,)" + rule);
}

TEST_CASE("fit takes accuracy of one-hot targets and of a single sigmoid unit") {
  support::Generate g("accuracy in fit", 0);
  const Array x = g.array({64, 2}, {.low = -1, .high = 1, .avoid = {0}, .margin = 0.2});
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < 64; ++i) labels.push_back(x.at(2 * i) > 0 ? 1 : 0);
  const Ids y({64}, labels);
  Sequential binary{Dense{1, Activation::sigmoid}}, categorical{Dense{2, Activation::softmax}};
  binary.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                  .loss = BinaryCrossentropy{},
                  .metrics = {Accuracy{}}});
  categorical.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                       .loss = CategoricalCrossentropy{},
                       .metrics = {Accuracy{}}});
  CHECK(binary.fit(x, y, toy::quiet(40, 16))["accuracy"].back() == 1);
  CHECK(categorical.fit(x, one_hot_of(y, 2), toy::quiet(40, 16))["accuracy"].back() == 1);
}
