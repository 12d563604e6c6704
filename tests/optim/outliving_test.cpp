// What outlives an optimiser, what waits for one, and rates, bounds and states at the edge of what
// can be computed.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <memory>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/optim/sgd.hpp"
#include "support/approx.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ;
using support::refusal;

namespace {

Tensor parameter(std::initializer_list<real> values) {
  return Tensor::parameter(Array(Shape{static_cast<Index>(values.size())}, values));
}

void step(SGD& sgd, const Tensor& p, std::initializer_list<real> gradient) {
  p.zero_grad();
  p.gradient().add(Array(p.shape(), gradient));
  sgd.step();
}

}  // namespace

TEST_CASE("a copy of the slots keeps its names and values when the optimiser is gone") {
  const Tensor p = parameter({1, 2});
  auto sgd = std::make_unique<SGD>(SGDOptions{.momentum = 0.5, .use_ema = true});
  sgd->attach({{"p", p}});
  step(*sgd, p, {1, 1});
  const std::vector<SGD::Slot> slots = sgd->slots();
  sgd.reset();
  REQUIRE(slots.size() == 1);
  CHECK(slots[0]["average"].shape() == Shape{2});
  CHECK(slots[0]["momentum"].shape() == Shape{2});
}

TEST_CASE("weights come back when an optimiser ends, or is assigned, with averages in place") {
  for (const bool assigned : {false, true}) {
    const Tensor p = parameter({1, 2});
    Array weights;
    {
      SGD sgd{{.learning_rate = 1, .use_ema = true, .ema_momentum = 0.9}};
      sgd.attach({{"p", p}});
      step(sgd, p, {1, 1});
      step(sgd, p, {1, 1});
      weights = p.value().clone();
      sgd.swap_averages();
      CHECK(bits_differ(p.value(), weights) != "");
      if (assigned) sgd = SGD{};
    }
    CHECK(bits_differ(p.value(), weights) == "");
  }
}

TEST_CASE("an optimiser that is moved takes groups, clipping and averages in place with it") {
  const auto run = [](int moves) {
    const Tensor p = parameter({1, 2});
    SGDOptions options{.learning_rate = 1,
                       .clipnorm = 0.5,
                       .groups = {{"p", {.learning_rate_factor = 0.25}}},
                       .use_ema = true};
    SGD sgd{options};
    sgd.attach({{"p", p}});
    for (int i = 0; i < 2; ++i) step(sgd, p, {3, 4});
    sgd.swap_averages();
    SGD constructed = moves == 1 ? SGD(std::move(sgd)) : SGD{};
    if (moves == 2) constructed = std::move(sgd);
    SGD& last = moves > 0 ? constructed : sgd;
    CHECK(last.averages_in_place());
    last.swap_averages();
    step(last, p, {3, 4});
    return p.value();
  };
  const Array expected = run(0);
  CHECK(bits_differ(run(1), expected) == "");
  CHECK(bits_differ(run(2), expected) == "");
}

TEST_CASE("draws begin anew with the step that a loaded state has reached") {
  const Tensor p = parameter({1, 2});
  SGD sgd;
  sgd.attach({{"p", p}});
  const OptimizerState state = sgd.state();
  const Rng first = sgd.context(5).random();
  CHECK(first.uniform(0) != sgd.context(5).random().uniform(0));
  sgd.load_state(state);
  CHECK(sgd.context(5).random().uniform(0) == first.uniform(0));
}

TEST_CASE("a step by rows is a write: a graph that read the table before is refused") {
  const Tensor table = Tensor::parameter(Array::zeros({4, 2}));
  SGD sgd;
  sgd.attach({{"table", table}});
  const Tensor reads = sum(table * table);
  table.gradient().add_rows(Ids(Shape{1}, {2}), Array({1, 2}, {1, 1}));
  sgd.step();
  CHECK(refusal<StateError>([&] { reads.backward(); }).find("was written to") != std::string::npos);
}

TEST_CASE("a norm whose factor float cannot hold cuts gradients, and does not make them 0") {
  const real large = std::numeric_limits<real>::max() / 2;
  const Tensor p = parameter({0, 0});
  SGD sgd{{.learning_rate = 1, .clipnorm = 1}};
  sgd.attach({{"p", p}});
  if (sizeof(real) == 4) {  // in double the norm itself overflows
    step(sgd, p, {large, large});
    CHECK(p.value().at(0) == doctest::Approx(-0.70710678).epsilon(1e-6));
    CHECK(p.value().at(1) == doctest::Approx(-0.70710678).epsilon(1e-6));
  }
  CHECK(refusal<ValueError>([] { SGD{{.clipvalue = 1e-320}}; }).starts_with("SGD: clipvalue is"));
}

TEST_CASE("a rate that the numbers cannot hold, and an empty schedule, are refused") {
  const double beyond = sizeof(real) == 4 ? 1e39 : std::numeric_limits<double>::infinity();
  CHECK(refusal<ValueError>([&] { SGD{{.learning_rate = beyond}}; }) != "");
  const Tensor p = parameter({1});
  SGD sgd{{.learning_rate = [&](Index) { return beyond; }}};
  sgd.attach({{"p", p}});
  CHECK(refusal<ValueError>([&] { sgd.step(); }) != "");
  CHECK(p.value().at(0) == 1);
  const std::function<double(Index)> empty;
  CHECK(refusal<ValueError>([&] { SGD{{.learning_rate = empty}}; }) ==
        "LearningRate: the schedule is an empty function; give one");
}

TEST_CASE("a state that waits to be loaded is the state, and a rate that is set meanwhile holds") {
  const Tensor p = parameter({1, 2});
  Adam adam;
  adam.attach({{"p", p}});
  p.gradient().add(Array(p.shape(), {1, 1}));
  adam.step();
  Optimizer waiting(Adam{});
  waiting.load_state(adam.state());
  CHECK(waiting.state().counters.at("steps") == 1);
  CHECK(waiting.state().arrays.size() == 2);
  CHECK(waiting.learning_rate() == 1e-3);
  waiting.set_learning_rate(1e-5);
  CHECK(waiting.learning_rate() == 1e-5);
  CHECK(waiting.state().learning_rate == 1e-5);
}

TEST_CASE("the state of other parameters is refused, of an optimiser without slots as well") {
  const Tensor p = parameter({1}), q = parameter({2});
  SGD two, one;
  two.attach({{"p", p}, {"q", q}});
  one.attach({{"p", p}});
  CHECK(
      refusal<StateError>([&] { one.load_state(two.state()); }) ==
      "SGD: load_state: expected no counter \"q/steps\"; attach the parameters that were attached "
      "when the state was made, in the same order");
}
