// Moving averages of the weights: exact for rows, in place while an evaluation asks, and put back.
#include <doctest/doctest.h>

#include <cstdio>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adagrad.hpp"
#include "fovea/optim/adamw.hpp"
#include "fovea/optim/lion.hpp"
#include "fovea/optim/rmsprop.hpp"
#include "fovea/optim/schedules.hpp"
#include "fovea/optim/sgd.hpp"
#include "optim/twins.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using optim_twins::Twins;
using support::bits_differ;
using support::Generate;

namespace {

template <class O, class Options>
Index exact_trials(Options options) {
  Index agree = 0;
  for (Index trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    Generate g("averages", trial);
    options.use_ema = true;
    options.ema_momentum = g.uniform(0, 0.99);
    if (trial % 2 == 1) options.learning_rate = InverseTimeDecay{g.uniform(0, 0.1), 3, 0.5};
    if (trial % 3 == 1) options.clipnorm = 0.5;
    const Index rows = g.integer(1, 20), width = g.integer(1, 70);
    Twins<O> twins(g.array(Shape{rows, width}, {-1, 1}), options);
    for (Index step = 0; step < 40; ++step) {
      const Ids ids = g.ids(Shape{g.integer(1, 4)}, rows);
      twins.step(ids, g.array(Shape{ids.count(), width}, {-1, 1}), trial % 2 == 0);
      if (trial % 5 == 0 && step % 9 == 8) {
        const AveragedWeights a(twins.on_rows), b(twins.on_full);
        REQUIRE(bits_differ(twins.rows.value(), twins.full.value()) == "");
      }
    }
    const std::string difference = twins.slots_differ() + twins.differ();
    CHECK(difference == "");
    agree += difference.empty();
  }
  return agree;
}

}  // namespace

TEST_CASE("averages of rows, brought up to date when read, have the bits of a dense sweep") {
  const Index agree = exact_trials<Adam>(AdamOptions{}) + exact_trials<AdamW>(AdamWOptions{}) +
                      exact_trials<SGD>(SGDOptions{.momentum = 0.9}) +
                      exact_trials<RMSprop>(RMSpropOptions{.momentum = 0.9, .centered = true}) +
                      exact_trials<Adagrad>(AdagradOptions{.weight_decay = 0.1}) +
                      exact_trials<Lion>(LionOptions{});
  CHECK(agree == 240);
  std::printf("figure: exact rows, averaged = %lld of 240\n", static_cast<long long>(agree));
}

TEST_CASE("an average changes no step, and is the parameter itself after the first") {
  Generate g("average", 0);
  const Array start = g.array(Shape{7}, {-1, 1});
  const Tensor plain = Tensor::parameter(start), averaged = Tensor::parameter(start);
  Adam without, with{{.use_ema = true, .ema_momentum = 0.75}};
  without.attach({{"p", plain}});
  with.attach({{"p", averaged}});
  std::vector<double> expected(7);
  for (Index step = 0; step < 20; ++step) {
    const Array gradient = g.array(Shape{7}, {-1, 1});
    for (const Tensor& p : {plain, averaged}) {
      p.zero_grad();
      p.gradient().add(gradient);
    }
    without.step();
    with.step();
    REQUIRE(bits_differ(plain.value(), averaged.value()) == "");
    for (std::size_t i = 0; i < 7; ++i) {
      const auto p = static_cast<double>(plain.value().data()[i]);
      expected[i] = step == 0 ? p : 0.75 * expected[i] + 0.25 * p;
    }
    if (step == 0) CHECK(bits_differ(with.slots()[0]["average"], averaged.value()) == "");
  }
  for (std::size_t i = 0; i < 7; ++i)
    CHECK(static_cast<double>(with.slots()[0]["average"].data()[i]) ==
          doctest::Approx(expected[i]).epsilon(1e-5));
}

TEST_CASE(
    "averages are in place as long as AveragedWeights lives, and training goes on as if not") {
  const auto trained = [](bool evaluates) {
    Generate g("in place", 0);
    const Tensor table = Tensor::parameter(g.array(Shape{9, 5}, {-1, 1})),
                 weight = Tensor::parameter(g.array(Shape{5}, {-1, 1}));
    Adam adam{{.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.9}};
    adam.attach({{"table", table}, {"weight", weight}});
    for (Index step = 0; step < 20; ++step) {
      adam.zero_grad();
      sum(square(gather_rows(table, g.ids(Shape{2}, 9)) * weight)).backward();
      adam.step();
      if (!evaluates || step % 3 != 1) continue;
      const Array before = table.value().clone(), average = adam.slots()[0]["average"].clone();
      {
        const AveragedWeights averages(adam);
        CHECK(bits_differ(table.value(), average) == "");
        CHECK(bits_differ(table.value(), before) != "");
        CHECK(adam.averages_in_place());
      }
      CHECK_FALSE(adam.averages_in_place());
      CHECK(bits_differ(table.value(), before) == "");
    }
    return std::pair(table.value().clone(), weight.value().clone());
  };
  const auto straight = trained(false), evaluated = trained(true);
  CHECK(bits_differ(straight.first, evaluated.first) == "");
  CHECK(bits_differ(straight.second, evaluated.second) == "");
}

TEST_CASE("a parameter that has made no step is its own average") {
  const Tensor p = Tensor::parameter(Array(Shape{1}, {1})),
               late = Tensor::parameter(Array(Shape{2}, {3, 4}));
  SGD sgd{{.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5}};
  sgd.attach({{"p", p}});
  p.gradient().add(Array(Shape{1}, {1}));
  sgd.step();
  sgd.attach({{"late", late}});
  const AveragedWeights averages(sgd);
  CHECK(late.value().at(0) == 3);
  CHECK(late.value().at(1) == 4);
}

TEST_CASE("averages go on from a state with the bits of a training never stopped") {
  const auto step = [](SGD& sgd, const Tensor& p, int from, int to) {
    for (int i = from; i < to; ++i) {
      p.zero_grad();
      p.gradient().add_rows(Ids(Shape{1}, {i % 3}), Array(Shape{1, 2}, {real(i), 1}));
      sgd.step();
    }
  };
  const SGDOptions options{.learning_rate = 0.1, .momentum = 0.5, .use_ema = true};
  const Tensor whole = Tensor::parameter(Array(Shape{3, 2}, {1, 2, 3, 4, 5, 6})),
               first = whole.clone();
  SGD straight{options}, stopped{options}, resumed{options};
  straight.attach({{"p", whole}});
  step(straight, whole, 0, 12);
  stopped.attach({{"p", first}});
  step(stopped, first, 0, 5);
  const OptimizerState state = stopped.state();
  const Tensor second = first.clone();
  resumed.attach({{"p", second}});
  resumed.load_state(state);
  step(resumed, second, 5, 12);
  CHECK(bits_differ(second.value(), whole.value()) == "");
  CHECK(bits_differ(resumed.slots()[0]["average"], straight.slots()[0]["average"]) == "");
}

TEST_CASE("averages that are not there, and calls while they are in place, are refused") {
  const Tensor p = Tensor::parameter(Array(Shape{1}, {1}));
  SGD without;
  without.attach({{"p", p}});
  CHECK_THROWS_WITH_AS(AveragedWeights{without},
                       "SGD: swap_averages: expected averages, got none; make the optimizer with "
                       ".use_ema = true",
                       StateError);
  SGD sgd{{.use_ema = true}};
  sgd.attach({{"p", p}});
  CHECK_THROWS_WITH_AS(sgd.swap_averages(),
                       "SGD: swap_averages: expected averages, got none; make a step first",
                       StateError);
  p.gradient().add(Array(Shape{1}, {1}));
  sgd.step();
  const OptimizerState state = sgd.state();
  const Array weights = p.value().clone();
  {
    const AveragedWeights averages(sgd);
    CHECK_THROWS_WITH_AS(sgd.step(),
                         "SGD: step: expected the parameters, got their averages in place; call "
                         "swap_averages() again",
                         StateError);
    CHECK_THROWS_AS(sgd.state(), StateError);
    CHECK_THROWS_AS(sgd.load_state(state), StateError);
    sgd.reset();  // puts the weights back
    CHECK(bits_differ(p.value(), weights) == "");
  }
  CHECK_THROWS_WITH_AS(SGD({.use_ema = true, .ema_momentum = 1}),
                       "SGD: ema_momentum is 1; it must be at least 0 and below 1", ValueError);
  struct Full : UpdateRule {
    const char* name() const override { return "Full"; }
    std::span<const char* const> slots() const override { return {}; }
    StepFactors factors(double, Index) const override { return {1, 1, 1, 1, 1, 1, 1, 1}; }
    void update(const StepFactors&, const real*, const Cells&) const override {}
  };
  CHECK_THROWS_WITH_AS(SlotOptimizer(std::make_shared<Full>(), StepOptions{0.1, {}, {}, 0.9}),
                       "Full: use_ema: expected a rule with a slot and a factor to spare, got 0 "
                       "slots and all 8 factors; keep averages outside of the optimizer",
                       ValueError);
}
