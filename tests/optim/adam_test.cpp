// Adam: what it takes on, what it leaves alone, what it refuses.
#include "fovea/optim/adam.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

Tensor numbers(std::initializer_list<real> values) {
  return Tensor::parameter(Array(Shape{static_cast<Index>(values.size())}, values));
}

struct Pair {
  Dense first{3}, second{2};

  Pair() { second.build(first.build(Shape{4}, Rng(1)), Rng(2)); }
  Tensor loss() const { return sum(second(first(Array::full(Shape{2, 4}, 1)))); }
  static void parameters(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("second", self.second);
  }
};

}  // namespace

TEST_CASE(
    "the first step is the learning rate against the sign of the gradient, whatever its size") {
  const Tensor p = numbers({1, 2, 3});
  Adam adam{{.learning_rate = 0.01}};
  adam.attach({{"p", p}});
  p.gradient().add(Array(Shape{3}, {5, -300, real(0.7)}));
  adam.step();
  CHECK(p.value().at(0) == doctest::Approx(0.99).epsilon(1e-5));
  CHECK(p.value().at(1) == doctest::Approx(2.01).epsilon(1e-5));
  CHECK(p.value().at(2) == doctest::Approx(2.99).epsilon(1e-5));
  CHECK(adam.steps() == 1);
}

TEST_CASE(
    "a parameter without a gradient takes part with zeros: at first it stands, later its moments "
    "carry it on") {
  const Tensor p = numbers({1}), q = numbers({1});
  Adam adam;
  adam.attach({{"p", p}, {"q", q}});
  p.gradient().add(Array(Shape{1}, {2}));
  adam.step();
  CHECK(q.value().at(0) == 1);
  const real after_one = p.value().at(0);
  adam.zero_grad();
  adam.step();
  CHECK(p.value().at(0) < after_one);
  CHECK(q.value().at(0) == 1);
}

TEST_CASE("gradients stay until they are forgotten") {
  const Tensor p = numbers({1});
  Adam adam;
  adam.attach({{"p", p}});
  p.gradient().add(Array(Shape{1}, {2}));
  adam.step();
  CHECK(p.grad().at(0) == 2);
  adam.zero_grad();
  CHECK(p.gradient().empty());
}

TEST_CASE("frozen parameters are left alone, the others move") {
  Pair model;
  set_trainable(model.first, false);
  const Array frozen = model.first.kernel.value().clone(),
              free = model.second.kernel.value().clone();
  Adam adam;
  adam.attach(model);
  CHECK(adam.slots().size() == 2);
  for (int i = 0; i < 3; ++i) {
    adam.zero_grad();
    model.loss().backward();
    adam.step();
  }
  CHECK(bits_differ(model.first.kernel.value(), frozen) == "");
  CHECK(bits_differ(model.second.kernel.value(), free) != "");
}

TEST_CASE("a parameter that is listed twice moves once a step") {
  const Tensor p = numbers({1}), alone = numbers({1});
  Adam twice, once;
  twice.attach({{"p", p}, {"tied", p}});
  once.attach({{"p", alone}});
  CHECK(twice.slots().size() == 1);
  for (int i = 0; i < 5; ++i) {
    for (const Tensor& tensor : {p, alone}) {
      tensor.zero_grad();
      tensor.gradient().add(Array(Shape{1}, {real(i + 1)}));
    }
    twice.step();
    once.step();
  }
  CHECK(bits_differ(p.value(), alone.value()) == "");
}

TEST_CASE(
    "attach adds: both modules of a loop of one's own learn, and what is attached twice is taken "
    "once and goes on") {
  Dense embedding{3}, dense{2};
  embedding.build(Shape{4}, Rng(1));
  dense.build(Shape{3}, Rng(2));
  const Array before = embedding.kernel.value();
  Adam adam;
  adam.attach(embedding);
  adam.attach(dense);
  CHECK(adam.slots().size() == 4);
  sum(square(dense(embedding(Array::full(Shape{2, 4}, 1))))).backward();
  adam.step();
  CHECK(bits_differ(embedding.kernel.value(), before) != "");
  const Array mean = adam.slots()[0]["mean"];
  adam.attach(embedding);
  CHECK(adam.slots().size() == 4);
  CHECK(adam.steps() == 1);
  CHECK(bits_differ(adam.slots()[0]["mean"], mean) == "");
}

TEST_CASE(
    "a parameter that is attached later counts its steps from there, as if it had an optimiser of "
    "its own") {
  for (const bool rows : {false, true}) {
    const auto steps = [&](const Tensor& p, Adam& adam, int from, int to) {
      for (int i = from; i < to; ++i) {
        adam.zero_grad();
        if (rows)
          p.gradient().add_rows(Ids(Shape{1}, {i % 2}), Array(Shape{1, 1}, {real(i + 1)}));
        else
          p.gradient().add(Array(Shape{2, 1}, {real(i + 1), -1}));
        adam.step();
      }
    };
    const Tensor first = Tensor::parameter(Array(Shape{2, 1}, {1, 2})), later = first.clone(),
                 alone = first.clone();
    Adam adam, own;
    adam.attach({{"first", first}});
    steps(first, adam, 0, 5);
    adam.attach({{"later", later}});
    own.attach({{"alone", alone}});
    steps(later, adam, 5, 9);
    steps(alone, own, 5, 9);
    CHECK(bits_differ(later.value(), alone.value()) == "");
  }
}

TEST_CASE(
    "a module that is not built is refused by attach, which would else attach nothing without a "
    "word") {
  Adam adam;
  CHECK_THROWS_WITH_AS(adam.attach(Dense{3}),
                       "Adam: attach: the module is not built, and its parameters have no values "
                       "yet; call build first",
                       StateError);
  adam.attach(Dropout{real(0.5)});  // has no parameters
  CHECK(adam.slots().empty());
}

TEST_CASE(
    "contexts of an optimiser differ from pass to pass and from step to step, and the first of "
    "each step is that of fit") {
  const Tensor p = numbers({1});
  Adam adam;
  adam.attach({{"p", p}});
  std::vector<std::uint64_t> seen;
  for (std::uint64_t step = 0; step < 3; ++step) {
    for (int pass = 0; pass < 3; ++pass) {
      const Context context = adam.context(7);
      CHECK(context.training);
      CHECK(context.seed == 7);
      if (pass == 0) CHECK(context.step == step);
      CHECK(std::ranges::find(seen, *context.step) == seen.end());
      seen.push_back(*context.step);
    }
    adam.step();
  }
}

TEST_CASE("reset lets go of parameters and moments, and begins anew") {
  const Tensor p = numbers({1});
  Adam adam;
  adam.attach({{"p", p}});
  p.gradient().add(Array(Shape{1}, {2}));
  adam.step();
  adam.reset();
  CHECK(adam.slots().empty());
  adam.attach({{"p", p}});
  CHECK(adam.steps() == 0);
  CHECK(adam.slots()[0]["mean"].at(0) == 0);
  CHECK(adam.slots()[0]["variance"].at(0) == 0);
}

TEST_CASE(
    "a step changes the numbers under a graph that was recorded before, which backward then "
    "refuses") {
  const Pair model;
  Adam adam;
  adam.attach(model);
  const Tensor loss = model.loss();
  loss.backward(true);
  adam.step();
  CHECK_THROWS_AS(loss.backward(), StateError);
}

TEST_CASE("a learning rate of 0 moves nothing, and the rate can be changed on the way") {
  const Tensor p = numbers({1});
  Adam adam{{.learning_rate = 0}};
  adam.attach({{"p", p}});
  p.gradient().add(Array(Shape{1}, {2}));
  adam.step();
  CHECK(p.value().at(0) == 1);
  adam.set_learning_rate(0.5);
  CHECK(adam.learning_rate() == 0.5);
  adam.step();
  CHECK(p.value().at(0) == doctest::Approx(0.5).epsilon(1e-5));
}

TEST_CASE("parameters of no elements, of one number and of rank 0 are steps like any other") {
  const Tensor none = Tensor::parameter(Array(Shape{0, 3})),
               scalar = Tensor::parameter(Array::full(Shape{}, 2));
  Adam adam;
  adam.attach({{"none", none}, {"scalar", scalar}});
  none.gradient().add_rows(Ids(), Array(Shape{0, 0}));
  scalar.gradient().add(Array::full(Shape{}, 1));
  adam.step();
  adam.step();
  CHECK(scalar.item() == doctest::Approx(1.998).epsilon(1e-5));
}

TEST_CASE("a step without parameters says what is missing") {
  Adam adam;
  CHECK_THROWS_WITH_AS(
      adam.step(),
      "Adam: no trainable parameter is attached; call attach(model) once the model is built",
      StateError);
  adam.attach(Dropout{0});
  CHECK_THROWS_AS(adam.step(), StateError);
}

TEST_CASE("options out of range are refused with their name and value") {
  CHECK_THROWS_WITH_AS(Adam({.learning_rate = -1}),
                       "Adam: learning_rate is -1; it must be at least 0 and finite", ValueError);
  CHECK_THROWS_WITH_AS(Adam({.beta_1 = 1}), "Adam: beta_1 is 1; it must be at least 0 and below 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(Adam({.beta_2 = -0.5}),
                       "Adam: beta_2 is -0.5; it must be at least 0 and below 1", ValueError);
  CHECK_THROWS_WITH_AS(Adam({.epsilon = 0}),
                       "Adam: epsilon is 0; it must be above 0, finite, and not so small that it "
                       "counts as 0 in training",
                       ValueError);
  CHECK_THROWS_WITH_AS(Adam({.weight_decay = -0.1}),
                       "Adam: weight_decay is -0.1; it must be at least 0 and finite", ValueError);
  CHECK_THROWS_WITH_AS(Adam({.l2 = -0.1}), "Adam: l2 is -0.1; it must be at least 0 and finite",
                       ValueError);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinity}) {
    CHECK_THROWS_AS(Adam({.learning_rate = bad}), ValueError);
    CHECK_THROWS_AS(Adam({.beta_1 = bad}), ValueError);
    CHECK_THROWS_AS(Adam({.beta_2 = bad}), ValueError);
    CHECK_THROWS_AS(Adam({.epsilon = bad}), ValueError);
    CHECK_THROWS_AS(Adam({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(Adam({.l2 = bad}), ValueError);
    CHECK_THROWS_AS(Adam().set_learning_rate(bad), ValueError);
  }
}
