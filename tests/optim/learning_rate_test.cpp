// A learning rate is a number or a schedule, wherever one is given.
#include "fovea/optim/learning_rate.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fovea/optim/optimizer.hpp"
#include "optim/momentum.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

double decaying(Index step) { return 0.1 / std::sqrt(1.0 + static_cast<double>(step)); }

// The parameter after 30 steps, in each of which `before_step` is called with its number first.
template <class Call>
Array trained(Optimizer optimizer, const Call& before_step) {
  Generate g("learning rate", 0);
  const Tensor p = Tensor::parameter(g.array(Shape{5}, {-1, 1}));
  optimizer.attach({{"p", p}});
  for (Index step = 0; step < 30; ++step) {
    before_step(optimizer, step);
    p.zero_grad();
    p.gradient().add(g.array(Shape{5}, {-1, 1}));
    optimizer.step();
  }
  return p.value();
}

struct TakesNumbers {
  double rate = 0.5;
  void attach(const std::vector<NamedParameter>&) {}
  void step() {}
  double learning_rate() const { return rate; }
  void set_learning_rate(double r) { rate = r; }
};

}  // namespace

TEST_CASE("a schedule gives the bits of a rate that is set before each step, from step 0 on") {
  const auto set = [](Optimizer& optimizer, Index step) {
    optimizer.set_learning_rate(decaying(step));
  };
  const auto look = [](Optimizer& optimizer, Index step) {
    CHECK(optimizer.learning_rate() == decaying(step));
  };
  CHECK(bits_differ(trained(Adam{{.learning_rate = decaying, .weight_decay = 0.1}}, look),
                    trained(Adam{{.weight_decay = 0.1}}, set)) == "");
  CHECK(bits_differ(trained(toy::Momentum{{.learning_rate = decaying}}, look),
                    trained(toy::Momentum{}, set)) == "");
  CHECK(bits_differ(trained(toy::Momentum{{.learning_rate = decaying}}, look),
                    trained(toy::Momentum{{.learning_rate = 0.1}}, [](auto&&...) {})) != "");
}

TEST_CASE("a schedule can take the place of a number on the way, and the other way round") {
  Adam adam{{.learning_rate = 0.5}};
  CHECK(LearningRate(0.5).number() == 0.5);
  adam.set_learning_rate([](Index step) { return step == 0 ? 0.25 : 0.125; });
  CHECK(adam.learning_rate() == 0.25);
  adam.set_learning_rate(1);
  CHECK(adam.learning_rate() == 1);
  Optimizer numbers = TakesNumbers{};
  numbers.set_learning_rate(0.25);
  CHECK(numbers.learning_rate() == 0.25);
  CHECK_THROWS_WITH_AS(numbers.set_learning_rate(decaying),
                       "set_learning_rate: expected a number, got a schedule; let "
                       "set_learning_rate of the optimizer take a LearningRate",
                       StateError);
}

TEST_CASE("a rate out of range that a schedule gives is refused in its step, and nothing moves") {
  const Tensor p = Tensor::parameter(Array(Shape{1}, {1}));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {-1.0, nan, std::numeric_limits<double>::infinity()}) {
    Adam adam{{.learning_rate = [bad](Index step) { return step == 1 ? bad : 0.1; }}};
    adam.attach({{"p", p}});
    p.zero_grad();
    p.gradient().add(Array(Shape{1}, {1}));
    adam.step();
    const Array before = p.value().clone();
    CHECK_THROWS_WITH_AS(adam.step(), doctest::Contains("Adam: learning_rate of step 1 is "),
                         ValueError);
    CHECK(adam.steps() == 1);
    CHECK(bits_differ(p.value(), before) == "");
    adam.set_learning_rate(0.1);
    adam.step();
    CHECK(bits_differ(p.value(), before) != "");
  }
}
