// Schedules: where they begin, jump and end, and which options they refuse.
#include "fovea/optim/schedules.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/optim/sgd.hpp"

using namespace fovea;
using doctest::Approx;

TEST_CASE("a schedule stays where it has ended, however many steps follow") {
  const Index late = 100'000'000;
  CHECK(LearningRate(PolynomialDecay{0.1, 10, 0.01}).at(late) == Approx(0.01));
  CHECK(LearningRate(CosineDecay{0.1, 10, 0.25}).at(late) == Approx(0.025));
  CHECK(LearningRate(CosineDecay{0, 10, 0.25, 0.2, 10}).at(late) == Approx(0.05));
  CHECK(LearningRate(OneCycle{1, 10}).at(late) == Approx(1 / 25e4));
  CHECK(LearningRate(PiecewiseConstantDecay{{3}, {1, 2}}).at(late) == 2);
  CHECK(LearningRate(ExponentialDecay{0.1, 10, 0.5}).at(late) == 0);
}

TEST_CASE("a boundary still has the value before it, and a list without boundaries is a constant") {
  const PiecewiseConstantDecay decay{{3, 5}, {1, 0.5, 0.25}};
  CHECK(decay(3) == 1);
  CHECK(decay(4) == 0.5);
  CHECK(decay(5) == 0.5);
  CHECK(decay(6) == 0.25);
  CHECK(PiecewiseConstantDecay{{}, {0.5}}(7) == 0.5);
}

TEST_CASE("a warm-up begins at the initial rate and ends at its target, where the decay begins") {
  const CosineDecay decay{
      .initial_learning_rate = 0.02, .decay_steps = 100, .warmup_target = 0.1, .warmup_steps = 40};
  CHECK(decay(0) == Approx(0.02));
  CHECK(decay(20) == Approx(0.06));
  CHECK(decay(40) == Approx(0.1));
  CHECK(decay(90) == Approx(0.05));
  CHECK(CosineDecay{.initial_learning_rate = 0, .decay_steps = 10, .warmup_target = 0.1}(0) ==
        Approx(0.1));
}

TEST_CASE("restarts come at the very step, also after many, where logarithms would round") {
  const CosineDecayRestarts thrice{.initial_learning_rate = 1, .first_decay_steps = 1, .t_mul = 3};
  Index restart = 0, length = 1;
  for (int i = 0; i < 18; ++i, restart += length, length *= 3) {
    CAPTURE(i);
    CHECK(thrice(restart) == 1);
    if (length > 1) CHECK(thrice(restart + 1) < 1);
  }
  const CosineDecayRestarts equal{.initial_learning_rate = 1, .first_decay_steps = 10, .t_mul = 1};
  CHECK(equal(1'000'000'000) == 1);
  CHECK(equal(1'000'000'005) == Approx(0.5));
}

TEST_CASE("one cycle reaches its peak, and its extremes are those of one phase") {
  CHECK(OneCycle{1, 101, 0.5}(0) == Approx(0.04));
  CHECK(OneCycle{1, 10, 0.3}(2) == Approx(1));
  CHECK(OneCycle{1, 10, 0}(0) < 1);  // the peak lies before the first step
  CHECK(OneCycle{1, 10, 1}(9) == Approx(1));
  CHECK(OneCycle{1, 1}(0) <= 1);
}

TEST_CASE("options of schedules out of range are refused when the rate is made") {
  CHECK_THROWS_WITH_AS(LearningRate(ExponentialDecay{0.1, 0, 0.5}),
                       "ExponentialDecay: decay_steps is 0; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(SGD({.learning_rate = InverseTimeDecay{-0.1, 1, 0.5}}),
                       "InverseTimeDecay: initial_learning_rate is -0.1; it must be at least 0 and "
                       "finite",
                       ValueError);
  CHECK_THROWS_WITH_AS(
      LearningRate(PiecewiseConstantDecay{{1, 2}, {0.1, 0.2}}),
      "PiecewiseConstantDecay: values: expected 3, one more than boundaries, got 2; "
      "give a rate before the first boundary and one after each",
      ValueError);
  CHECK_THROWS_WITH_AS(
      LearningRate(PiecewiseConstantDecay{{2, 2}, {0.1, 0.2, 0.3}}),
      "PiecewiseConstantDecay: boundaries[1] is 2; it must be above the one before "
      "it",
      ValueError);
  CHECK_THROWS_WITH_AS(
      LearningRate(CosineDecay{.initial_learning_rate = 0.1, .decay_steps = 10, .warmup_steps = 5}),
      "CosineDecay: warmup_target: expected a rate where the 5 warmup_steps end, "
      "got none; give the rate at which the decay begins",
      ValueError);
  CHECK_THROWS_WITH_AS(
      LearningRate(OneCycle{.max_lr = 1, .total_steps = 10, .pct_start = 0.6, .three_phase = true}),
      "OneCycle: pct_start is 0.6; it must be at least 0 and at most 0.5 with three "
      "phases",
      ValueError);
  CHECK_THROWS_WITH_AS(LearningRate(CosineDecayRestarts{0.1, 10, 0.5}),
                       "CosineDecayRestarts: t_mul is 0.5; it must be at least 1 and finite",
                       ValueError);
  CHECK_THROWS_WITH_AS(LearningRate(Noam{0, 10}), "Noam: d_model is 0; it must be at least 1",
                       ValueError);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0}) {
    CHECK_THROWS_AS(LearningRate(ExponentialDecay{bad, 1, 0.5}), ValueError);
    CHECK_THROWS_AS(LearningRate(ExponentialDecay{1, 1, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(PiecewiseConstantDecay{{}, {bad}}), ValueError);
    CHECK_THROWS_AS(LearningRate(PolynomialDecay{1, 1, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(PolynomialDecay{1, 1, 1, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(InverseTimeDecay{1, 1, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(CosineDecay{1, 1, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(CosineDecay{1, 1, 0, bad, 1}), ValueError);
    CHECK_THROWS_AS(LearningRate(CosineDecayRestarts{1, 1, 2, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(OneCycle{bad, 10}), ValueError);
    CHECK_THROWS_AS(LearningRate(OneCycle{1, 10, bad}), ValueError);
    CHECK_THROWS_AS(LearningRate(OneCycle{.max_lr = 1, .total_steps = 9, .div_factor = bad}),
                    ValueError);
    CHECK_THROWS_AS(LearningRate(OneCycle{.max_lr = 1, .total_steps = 9, .final_div_factor = bad}),
                    ValueError);
    CHECK_THROWS_AS(LearningRate(Noam{64, 10, bad}), ValueError);
  }
}
