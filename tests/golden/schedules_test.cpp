// Learning rates of steps 0 to 300, as Keras and PyTorch compute them.
#include "fovea/optim/schedules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>

#include "fovea/optim/learning_rate.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

struct Case {
  const char* file;
  const char* name;
  LearningRate rate;
  Index steps = 301;       // of the file, from 0
  double absolute = 1e-8;  // where the rate comes near 0
};

// Keras rounds where a restarted cosine stands to float: 2e-8 of a rate of 0.1.
constexpr double restarts = 2e-8;

std::vector<Case> keras_cases() {
  const double lr = 0.1;
  return {
      {"keras", "exponential", ExponentialDecay{lr, 40, 0.7}},
      {"keras", "exponential_staircase", ExponentialDecay{lr, 40, 0.7, true}},
      {"keras", "piecewise", PiecewiseConstantDecay{{50, 120}, {0.1, 0.05, 0.01}}},
      {"keras", "polynomial", PolynomialDecay{lr, 100, 0.01, 2}},
      {"keras", "polynomial_cycle", PolynomialDecay{lr, 100, 0.01, 0.5, true}},
      {"keras", "inverse_time", InverseTimeDecay{lr, 30, 0.5}},
      {"keras", "inverse_time_staircase", InverseTimeDecay{lr, 30, 0.5, true}},
      {"keras", "cosine", CosineDecay{lr, 200, 0.05}},
      {"keras", "cosine_warmup", CosineDecay{0, 200, 0.05, lr, 40}},
      {"keras", "cosine_warmup_from", CosineDecay{0.02, 200, 0, lr, 40}},
      {"keras", "cosine_restarts", CosineDecayRestarts{lr, 50, 2, 0.8, 0.01}, 301, restarts},
      {"keras", "cosine_restarts_equal", CosineDecayRestarts{lr, 50, 1, 0.9}, 301, restarts},
  };
}

// PyTorch's cosine rises again after its last step; ours, like Keras', stays.
std::vector<Case> torch_cases() {
  const double lr = 0.1;
  return {
      {"torch", "one_cycle", OneCycle{lr, 301}},
      {"torch", "one_cycle_linear",
       OneCycle{.max_lr = lr, .total_steps = 301, .pct_start = 0.2, .anneal = Anneal::linear}},
      {"torch", "one_cycle_three_phase",
       OneCycle{.max_lr = lr, .total_steps = 301, .three_phase = true}},
      {"torch", "cosine_annealing", CosineDecay{lr, 120, 0.01}, 121},
      {"torch", "cosine_warm_restarts", CosineDecayRestarts{lr, 50, 2, 1, 0.01}},
      {"torch", "noam_d64_warmup40", Noam{64, 40}},
      {"torch", "step", ExponentialDecay{lr, 70, 0.3, true}},
      {"torch", "exponential", ExponentialDecay{lr, 1, 0.98}},
      {"torch", "linear_warmup", PolynomialDecay{0.01, 40, 0.1}},
  };
}

}  // namespace

TEST_CASE("schedules give the rates of Keras and PyTorch") {
  long rates = 0;
  double worst = 0;
  for (const auto& cases : {keras_cases(), torch_cases()})
    for (const Case& c : cases) {
      CAPTURE(std::string(c.name));
      const Array expected = golden::open(std::string(c.file) + "_schedules").array(c.name);
      REQUIRE(expected.count() == 301);
      for (Index step = 0; step < c.steps; ++step, ++rates) {
        CAPTURE(step);
        const double theirs = static_cast<double>(expected.data()[step]),
                     error = std::abs(c.rate.at(step) - theirs);
        CHECK(error <= 1e-6 * theirs + c.absolute);
        if (theirs > 0.02) worst = std::max(worst, error / theirs);
      }
    }
  std::printf("figure: schedule golden rates = %ld, largest relative error above 0.02 = %.1e\n",
              rates, worst);
}
