// Samples, metrics and losses by themselves.
#include "fovea/data/samples.hpp"

#include <doctest/doctest.h>

#include "train/toy.hpp"

using namespace fovea;

TEST_CASE("samples are rows of ids or of numbers, by range or by position") {
  const Samples ids(Ids(Shape{3, 2}, {0, 1, 2, 3, 4, 5})),
      numbers(Array(Shape{3, 2}, {0, 1, 2, 3, 4, 5}));
  const std::vector<Index> positions = {2, 0, 2};
  CHECK(ids.count() == 3);
  CHECK(ids.is_ids());
  CHECK(!numbers.is_ids());
  CHECK(std::ranges::equal(ids.rows(1, 3).ids().values(), std::vector<std::int32_t>{2, 3, 4, 5}));
  CHECK(std::ranges::equal(ids.rows(positions).ids().values(),
                           std::vector<std::int32_t>{4, 5, 0, 1, 4, 5}));
  CHECK(support::bits_differ(numbers.rows(1, 3).array(), Array(Shape{2, 2}, {2, 3, 4, 5})) == "");
  CHECK(support::bits_differ(numbers.rows(positions).array(),
                             Array(Shape{3, 2}, {4, 5, 0, 1, 4, 5})) == "");
  CHECK(numbers.rows(std::span<const Index>()).shape() == Shape{0, 2});
}

TEST_CASE("samples refuse rows that are not there, single numbers, and the other kind") {
  const Samples ids(Ids(Shape{3}, {0, 1, 2})), numbers(Array::zeros(Shape{3}));
  for (const Samples& samples : {ids, numbers}) {
    CHECK_THROWS_AS(samples.rows(1, 4), IndexError);
    CHECK_THROWS_AS(samples.rows(-1, 2), IndexError);
    for (const Index position : {Index(-1), Index(3)})
      CHECK_THROWS_AS(samples.rows(std::span(&position, 1)), IndexError);
  }
  CHECK_THROWS_WITH_AS(Samples(Ids(Shape{}, {1})),
                       "Samples: a scalar id; samples are along the first axis", ShapeError);
  CHECK_THROWS_WITH_AS(Samples(Array::zeros(Shape{})),
                       "Samples: a scalar; samples are along the first axis", ShapeError);
  CHECK_THROWS_WITH_AS(ids.array(), "expected real numbers, got ids of shape (3,)", ValueError);
  CHECK_THROWS_WITH_AS(numbers.ids(), "expected ids, got real numbers of shape (3,)", ValueError);
}

TEST_CASE("accuracy is 1 where the largest is the label, the lowest class among equals") {
  const Array p(Shape{4, 3}, {1, 2, 3, 3, 2, 1, 2, 2, 1, 0, 0, 0});
  CHECK(support::bits_differ(Accuracy{}(p, Ids(Shape{4}, {2, 1, 0, 1})),
                             Array(Shape{4}, {1, 0, 1, 0})) == "");
  CHECK(Accuracy{}(p.reshaped(Shape{2, 2, 3}), Ids(Shape{2, 2}, {2, 1, 0, 1})).shape() ==
        Shape{2, 2});
}

TEST_CASE(
    "a softmax at the end is fused with the loss: logits of 1000 give finite losses, where clipped "
    "probabilities stop at 16") {
  Dense dense{2, Activation::softmax};
  dense.build(Shape{1}, Rng(1));
  dense.kernel.assign(Array(Shape{1, 2}, {1000, -1000}));
  const auto again = [](const Tensor& x, const Context&) { return x * real(1); };
  Sequential fused{dense}, by_hand{dense, again};
  for (Sequential* model : {&fused, &by_hand}) {
    model->compile({.loss = SparseCategoricalCrossentropy{}});
    model->build(Shape{1});
  }
  const Array x(Shape{1, 1}, {1});
  const Ids y(Shape{1}, {1});
  CHECK(fused.evaluate(x, y).at("loss") == doctest::Approx(2000));
  CHECK(by_hand.evaluate(x, y).at("loss") == doctest::Approx(16.118).epsilon(0.01));
}
