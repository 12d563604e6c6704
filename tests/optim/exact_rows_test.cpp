// Every optimiser on a table by rows, against the same table swept in every step: the same bits.
#include <doctest/doctest.h>

#include <cstdio>

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

constexpr Index patterns = 200;

// Options of each kind: every second with a decay, every third with l2 where there is one.
void draw(Generate& g, Index trial, AdamOptions& o) {
  if (trial % 4 == 1) o.form = AdamForm::pytorch;
  if (trial % 3 == 1) o.l2 = g.uniform(0, 0.2);
}
void draw(Generate& g, Index trial, AdamWOptions& o) {
  if (trial % 4 == 1) o.form = AdamForm::pytorch;
  o.beta_1 = g.uniform(0, 0.95);
}
// The same with the denominator of AMSGrad.
struct AmsgradOptions : AdamOptions {};
void draw(Generate& g, Index trial, AmsgradOptions& o) {
  draw(g, trial, static_cast<AdamOptions&>(o));
  o.amsgrad = true;
}
void draw(Generate& g, Index trial, SGDOptions& o) {
  if (trial % 4 > 0) o.momentum = g.uniform(0.01, 0.99);
  o.nesterov = trial % 4 == 2;
  if (trial % 5 < 2) o.form = SGDForm::pytorch;
  if (o.form == SGDForm::pytorch && o.momentum > 0 && !o.nesterov) o.dampening = g.uniform(0, 0.9);
  if (trial % 3 == 1) o.l2 = g.uniform(0, 0.2);
}
void draw(Generate& g, Index trial, RMSpropOptions& o) {
  if (trial % 4 > 1) o.momentum = g.uniform(0.01, 0.99);
  o.centered = trial % 8 > 3;
  o.rho = g.uniform(0, 0.99);
  if (trial % 5 < 2) o.form = RMSpropForm::pytorch;
  if (trial % 3 == 1) o.l2 = g.uniform(0, 0.2);
}
void draw(Generate& g, Index trial, AdagradOptions& o) {
  if (trial % 4 > 1) o.initial_accumulator_value = g.uniform(0, 0.2);
  if (trial % 5 < 2) o.form = AdagradForm::pytorch;
  if (trial % 3 == 1) o.l2 = g.uniform(0, 0.2);
}
void draw(Generate& g, Index, LionOptions& o) {
  o.beta_1 = g.uniform(0, 0.99);
  o.beta_2 = g.uniform(0, 0.99);
}

// A rate that changes in every step, in jumps, or not at all.
LearningRate drawn_rate(Generate& g, Index trial) {
  const double rate = g.uniform(0.001, 0.1);
  if (trial % 3 == 0) return CosineDecayRestarts{rate, 7, 1.5, 0.9, 0.01};
  if (trial % 3 == 1) return PiecewiseConstantDecay{{9, 20}, {rate, 0, 2 * rate}};
  return rate;
}

template <class O, class Options>
Index trials_that_agree(const char* name) {
  CAPTURE(name);
  Index agree = 0;
  for (Index trial = 0; trial < patterns; ++trial) {
    CAPTURE(trial);
    Generate g(name, trial);
    Options options;
    options.learning_rate = drawn_rate(g, trial);
    options.weight_decay = trial % 2 == 1 ? g.uniform(0, 0.5) : 0;
    draw(g, trial, options);
    const Index rows = g.integer(1, 30), width = g.integer(1, 40);
    Twins<O> twins(g.array(Shape{rows, width}, {-1, 1}), options);
    bool same = true;
    for (Index step = 0; step < 40; ++step) {
      const Ids ids = g.ids(Shape{g.integer(1, 4)}, rows);  // some of them more than once
      twins.step(ids, g.array(Shape{ids.count(), width}, {-1, 1}), trial % 2 == 0);
      if (step % 13 == 12 && trial % 5 == 0) same = same && twins.differ().empty();
    }
    const std::string difference = twins.slots_differ() + twins.differ();
    CHECK(difference == "");
    if (same && difference.empty()) ++agree;
  }
  std::printf("figure: exact rows of %s = %lld of %lld\n", name, static_cast<long long>(agree),
              static_cast<long long>(patterns));
  return agree;
}

template <class O, class Options>
void stay_exact_when_left_alone(const Options& options) {
  Generate g("left alone", 0);
  constexpr Index width = 37, still = 16;  // the first columns never have a gradient
  Twins<O> twins(g.array(Shape{3, width}, {-1, 1}), options);
  for (Index step = 0; step < 2500; ++step) {
    const bool all = step < 5 || step == 1700;
    Array values = g.array(Shape{all ? 3 : 1, width}, {-1, 1});
    for (Index i = 0; i < values.count(); ++i)
      if (i % width < still) values.mutable_data()[i] = 0;
    twins.step(all ? Ids(Shape{3}, {0, 1, 2}) : Ids(Shape{1}, {1}), values);
  }
  CHECK(twins.slots_differ() + twins.differ() == "");
}

}  // namespace

TEST_CASE(
    "rows of every optimiser, brought up to date when read, have the bits of a dense sweep, at "
    "rates that change and with decay") {
  CHECK(trials_that_agree<Adam, AdamOptions>("Adam") == patterns);
  CHECK(trials_that_agree<AdamW, AdamWOptions>("AdamW") == patterns);
  CHECK(trials_that_agree<Adam, AmsgradOptions>("Adam with amsgrad") == patterns);
  CHECK(trials_that_agree<SGD, SGDOptions>("SGD") == patterns);
  CHECK(trials_that_agree<RMSprop, RMSpropOptions>("RMSprop") == patterns);
  CHECK(trials_that_agree<Adagrad, AdagradOptions>("Adagrad") == patterns);
  CHECK(trials_that_agree<Lion, LionOptions>("Lion") == patterns);
}

TEST_CASE("rows of every optimiser that are left alone for 1,700 steps come to rest exactly") {
  stay_exact_when_left_alone<Adam>(AdamOptions{.beta_1 = 0.5, .beta_2 = 0.5, .amsgrad = true});
  stay_exact_when_left_alone<SGD>(SGDOptions{});
  stay_exact_when_left_alone<SGD>(SGDOptions{.momentum = 0.9});
  stay_exact_when_left_alone<SGD>(SGDOptions{.momentum = 0.5, .nesterov = true});
  stay_exact_when_left_alone<SGD>(SGDOptions{.momentum = 0.9, .weight_decay = 0.1});
  stay_exact_when_left_alone<RMSprop>(RMSpropOptions{.rho = 0.5});
  stay_exact_when_left_alone<RMSprop>(RMSpropOptions{.rho = 0.5, .momentum = 0.9});
  stay_exact_when_left_alone<RMSprop>(RMSpropOptions{.momentum = 0.99, .centered = true});
  stay_exact_when_left_alone<Adagrad>(AdagradOptions{});
  stay_exact_when_left_alone<Adagrad>(AdagradOptions{.l2 = 0.01});
  stay_exact_when_left_alone<Lion>(LionOptions{.beta_2 = 0.5});
  stay_exact_when_left_alone<Lion>(LionOptions{.weight_decay = 0.1});
}

TEST_CASE("rows with infinities, NaN, subnormal numbers and -0 have the bits of a dense sweep") {
  const auto check = [](auto twins) {
    Generate g("hard rows", 0);
    for (Index step = 0; step < 30; ++step) {
      const Ids ids = g.ids(Shape{1}, 4);
      Array values = g.array(Shape{1, 11}, {-1, 1});
      const real hard[] = {real(INFINITY), real(NAN), -real(0), std::numeric_limits<real>::max(),
                           std::numeric_limits<real>::denorm_min()};
      values.mutable_data()[g.integer(0, 10)] = hard[g.integer(0, 4)];
      twins.step(ids, values);
    }
    CHECK(twins.slots_differ() + twins.differ() == "");
  };
  Array start = Generate("hard start", 0).array(Shape{4, 11}, {-1, 1});
  start.mutable_data()[2] = std::numeric_limits<real>::denorm_min();
  start.mutable_data()[12] = -real(0);
  start.mutable_data()[25] = real(INFINITY);
  check(Twins<SGD>(start, SGDOptions{}));
  check(Twins<SGD>(start, SGDOptions{.momentum = 0.9}));
  check(Twins<RMSprop>(start, RMSpropOptions{.momentum = 0.9, .centered = true}));
  check(Twins<Adagrad>(start, AdagradOptions{}));
  check(Twins<Lion>(start, LionOptions{}));
}
