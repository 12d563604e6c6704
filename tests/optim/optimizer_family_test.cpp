// What SGD, RMSprop, Adagrad, Lion and AdamW promise besides their golden runs.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adagrad.hpp"
#include "fovea/optim/adamw.hpp"
#include "fovea/optim/lion.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/optim/rmsprop.hpp"
#include "fovea/optim/sgd.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

struct Kind {
  const char* name;
  std::function<std::unique_ptr<SlotOptimizer>()> make;
};

template <class O, class Options>
Kind kind(const char* name, const Options& options) {
  return {name, [options] { return std::make_unique<O>(options); }};
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      kind<SGD>("SGD", SGDOptions{}),
      kind<SGD>("SGD", SGDOptions{.momentum = 0.9, .weight_decay = 0.1}),
      kind<SGD>("SGD", SGDOptions{.momentum = 0.9, .form = SGDForm::pytorch, .dampening = 0.5}),
      kind<RMSprop>("RMSprop", RMSpropOptions{}),
      kind<RMSprop>("RMSprop", RMSpropOptions{.momentum = 0.9, .centered = true}),
      kind<Adagrad>("Adagrad", AdagradOptions{.weight_decay = 0.1}),
      kind<Lion>("Lion", LionOptions{}),
      kind<AdamW>("AdamW", AdamWOptions{}),
      kind<AdamW>("AdamW", AdamWOptions{.amsgrad = true}),
  };
  return all;
}

// A table by rows and a dense weight, for some steps from `from` on.
struct Training {
  Tensor table = Tensor::parameter(Generate("table", 0).array(Shape{500, 33}, {-1, 1})),
         weight = Tensor::parameter(Generate("weight", 0).array(Shape{33, 1000}, {-1, 1}));

  void attach(SlotOptimizer& optimizer) const {
    optimizer.attach({{"table", table}, {"weight", weight}});
  }
  void train(SlotOptimizer& optimizer, Index from, Index to) const {
    for (Index step = from; step < to; ++step) {
      Generate g("ids", step);
      optimizer.zero_grad();
      mean(square(matmul(gather_rows(table, g.ids(Shape{100}, 500)), weight))).backward();
      optimizer.step();
    }
  }
  std::string differs(const Training& other) const {
    return bits_differ(table.value(), other.table.value()) +
           bits_differ(weight.value(), other.weight.value());
  }
};

}  // namespace

TEST_CASE("every optimiser gives the same bits on 1, 2, 3 and 8 threads") {
  const Index before = threads();
  for (const Kind& k : kinds()) {
    CAPTURE(k.name);
    const auto trained = [&](Index count) {
      set_threads(count);
      Training training;
      const auto optimizer = k.make();
      training.attach(*optimizer);
      training.train(*optimizer, 0, 6);
      return training;
    };
    const Training one = trained(1);
    for (const Index count : {2, 3, 8}) CHECK(trained(count).differs(one) == "");
  }
  set_threads(before);
}

TEST_CASE("every optimiser goes on from its state with the bits of a training never stopped") {
  for (const Kind& k : kinds()) {
    CAPTURE(k.name);
    Training whole, stopped, resumed;
    const auto straight = k.make(), first = k.make(), second = k.make();
    whole.attach(*straight);
    whole.train(*straight, 0, 9);
    stopped.attach(*first);
    stopped.train(*first, 0, 4);
    const OptimizerState state = first->state();
    CHECK(state.optimizer == k.name);
    resumed.table.assign(stopped.table.value());
    resumed.weight.assign(stopped.weight.value());
    resumed.attach(*second);
    second->load_state(state);
    resumed.train(*second, 4, 9);
    CHECK(resumed.differs(whole) == "");
    CHECK(bits_differ(whole.table.value(), stopped.table.value()) != "");
  }
}

TEST_CASE("SGD without momentum has no slot, and the others name theirs") {
  const auto names = [](auto optimizer) {
    optimizer.attach({{"p", Tensor::parameter(Array(Shape{1}, {1}))}});
    std::string all;
    for (const char* name : optimizer.slots()[0].names) all += std::string(name) + " ";
    return all;
  };
  CHECK(names(SGD{}) == "");
  CHECK(names(SGD{{.momentum = 0.5}}) == "momentum ");
  CHECK(names(RMSprop{}) == "mean_square ");
  CHECK(names(RMSprop{{.centered = true}}) == "mean_square mean ");
  CHECK(names(RMSprop{{.momentum = 0.5}}) == "mean_square momentum ");
  CHECK(names(RMSprop{{.momentum = 0.5, .centered = true}}) == "mean_square mean momentum ");
  CHECK(names(Adagrad{}) == "accumulator ");
  CHECK(names(Lion{}) == "mean ");
  CHECK(names(AdamW{}) == "mean variance ");
}

TEST_CASE(
    "Adagrad begins with its initial accumulator, in parameters that are attached later too") {
  const Tensor p = Tensor::parameter(Array(Shape{2}, {1, 2})), q = p.clone();
  Adagrad adagrad{{.initial_accumulator_value = 0.5}};
  adagrad.attach({{"p", p}});
  p.gradient().add(Array(Shape{2}, {3, 0}));
  adagrad.step();
  adagrad.attach({{"q", q}});
  CHECK(adagrad.slots()[0]["accumulator"].at(0) == real(9.5));
  CHECK(adagrad.slots()[0]["accumulator"].at(1) == real(0.5));
  CHECK(adagrad.slots()[1]["accumulator"].at(1) == real(0.5));
}

TEST_CASE("Lion follows its formula, and the sign of 0 is 0") {
  Generate g("lion", 0);
  const LionOptions o{.learning_rate = 0.01, .weight_decay = 0.1};
  const Array start = g.array(Shape{9}, {-1, 1});
  const Tensor p = Tensor::parameter(start);
  Lion lion{o};
  lion.attach({{"p", p}});
  std::vector<double> value(9), mean(9);
  for (std::size_t i = 0; i < 9; ++i) value[i] = static_cast<double>(start.data()[i]);
  for (int step = 0; step < 300; ++step) {
    Array gradient = g.array(Shape{9}, {-1, 1});
    gradient.mutable_data()[4] = 0;  // never has one
    if (step > 20) gradient.mutable_data()[5] = 0;
    lion.zero_grad();
    p.gradient().add(gradient);
    lion.step();
    for (std::size_t i = 0; i < 9; ++i) {
      const double d = static_cast<double>(gradient.data()[i]),
                   mixed = o.beta_1 * mean[i] + (1 - o.beta_1) * d;
      value[i] -= value[i] * o.weight_decay * 0.01;
      value[i] -= 0.01 * ((mixed > 0) - (mixed < 0));
      mean[i] = o.beta_2 * mean[i] + (1 - o.beta_2) * d;
    }
  }
  for (std::size_t i = 0; i < 9; ++i) {
    CAPTURE(i);
    CHECK(static_cast<double>(p.value().data()[i]) == doctest::Approx(value[i]).epsilon(1e-5));
    CHECK(std::abs(static_cast<double>(lion.slots()[0]["mean"].data()[i]) - mean[i]) < 1e-6);
  }
}

TEST_CASE("a NaN in a gradient reaches the parameter under every optimiser, and no other element") {
  for (const Kind& k : kinds()) {
    CAPTURE(k.name);
    const Tensor p = Tensor::parameter(Array(Shape{3}, {1, 2, 3}));
    const auto optimizer = k.make();
    optimizer->attach({{"p", p}});
    p.gradient().add(Array(Shape{3}, {1, real(NAN), 1}));
    optimizer->step();
    CHECK(std::isfinite(p.value().at(0)));
    CHECK(std::isnan(p.value().at(1)));
    CHECK(std::isfinite(p.value().at(2)));
  }
}

TEST_CASE("options out of range of every optimiser are refused with their name and value") {
  CHECK_THROWS_WITH_AS(SGD({.learning_rate = -1}),
                       "SGD: learning_rate is -1; it must be at least 0 and finite", ValueError);
  CHECK_THROWS_WITH_AS(SGD({.momentum = 1}),
                       "SGD: momentum is 1; it must be at least 0 and below 1", ValueError);
  CHECK_THROWS_WITH_AS(SGD({.nesterov = true}),
                       "SGD: nesterov: expected a momentum above 0, got 0; give one", ValueError);
  CHECK_THROWS_WITH_AS(SGD({.momentum = 0.9, .dampening = 0.5}),
                       "SGD: dampening: expected 0, got 0.5; it belongs to PyTorch's form with a "
                       "momentum and without nesterov: set .form = SGDForm::pytorch",
                       ValueError);
  CHECK_THROWS_AS(
      SGD({.momentum = 0.9, .nesterov = true, .form = SGDForm::pytorch, .dampening = 0.5}),
      ValueError);
  CHECK_THROWS_AS(SGD({.form = SGDForm::pytorch, .dampening = 0.5}), ValueError);
  CHECK_THROWS_WITH_AS(RMSprop({.rho = 1}), "RMSprop: rho is 1; it must be at least 0 and below 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(
      Adagrad({.initial_accumulator_value = -0.5}),
      "Adagrad: initial_accumulator_value is -0.5; it must be at least 0 and finite", ValueError);
  CHECK_THROWS_WITH_AS(AdamW({.beta_1 = 1}),
                       "AdamW: beta_1 is 1; it must be at least 0 and below 1", ValueError);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0}) {
    CHECK_THROWS_AS(SGD({.momentum = bad}), ValueError);
    CHECK_THROWS_AS(SGD({.dampening = bad}), ValueError);
    CHECK_THROWS_AS(SGD({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(SGD({.l2 = bad}), ValueError);
    CHECK_THROWS_AS(RMSprop({.rho = bad}), ValueError);
    CHECK_THROWS_AS(RMSprop({.momentum = bad}), ValueError);
    CHECK_THROWS_AS(RMSprop({.epsilon = bad}), ValueError);
    CHECK_THROWS_AS(RMSprop({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(RMSprop({.l2 = bad}), ValueError);
    CHECK_THROWS_AS(Adagrad({.initial_accumulator_value = bad}), ValueError);
    CHECK_THROWS_AS(Adagrad({.epsilon = bad}), ValueError);
    CHECK_THROWS_AS(Adagrad({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(Adagrad({.l2 = bad}), ValueError);
    CHECK_THROWS_AS(Lion({.beta_1 = bad}), ValueError);
    CHECK_THROWS_AS(Lion({.beta_2 = bad}), ValueError);
    CHECK_THROWS_AS(Lion({.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(AdamW({.weight_decay = bad}), ValueError);
  }
}
