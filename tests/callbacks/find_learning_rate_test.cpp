// find_learning_rate: leaves no trace, suggests a rate that trains, and its chart.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::refusal;

namespace {

const auto [x, y] = toy::data(40);

const FindLearningRateOptions few{.low = 1e-6, .high = 100, .steps = 30, .batch_size = 8};

// A model with dropout and an optimiser of one's choice.
Sequential made(Optimizer optimizer) {
  Sequential model{Embedding{.input_dim = toy::vocabulary, .output_dim = 5, .mask_zero = true},
                   AttentionLayer{.units = 4, .dropout = real(0.2)},
                   Dense{toy::classes, Activation::softmax}};
  model.compile({.optimizer = std::move(optimizer),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 3});
  return model;
}

Optimizer optimizer(int kind) {
  if (kind == 0) return Adam{{.learning_rate = 0.02}};
  if (kind == 1)
    return Adam{{.learning_rate = ExponentialDecay{
                     .initial_learning_rate = 0.05, .decay_steps = 5, .decay_rate = 0.5}}};
  return SGD{{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}};
}

// Both go on with the same bits.
void check_same(Sequential& got, Sequential& expected) {
  CHECK(got.history().history == expected.history().history);
  CHECK(got.optimizer().learning_rate() == expected.optimizer().learning_rate());
  CHECK(got.optimizer().rate().number() == expected.optimizer().rate().number());
  const History a = got.fit(x, y, toy::quiet(2, 8)), b = expected.fit(x, y, toy::quiet(2, 8));
  CHECK(a.history == b.history);
  CHECK(toy::bits_differ(toy::weights(got), toy::weights(expected)) == "");
}

struct Bang {};

}  // namespace

TEST_CASE("a training after a sweep has the bits of one without it, new or half done") {
  for (const int kind : {0, 1, 2})
    for (const Index epochs : {0, 2}) {
      CAPTURE(kind);
      CAPTURE(epochs);
      Sequential swept = made(optimizer(kind)), plain = made(optimizer(kind));
      for (Sequential* model : {&swept, &plain})
        if (epochs > 0) model->fit(x, y, toy::quiet(epochs, 8));
      const RateSweep sweep = find_learning_rate(swept, x, y, few);
      CHECK(sweep.rates.size() > 5);
      plain.build(x);
      CHECK(toy::bits_differ(toy::weights(swept), toy::weights(plain)) == "");
      CHECK(swept.optimizer().slot_elements() == plain.optimizer().slot_elements());
      // The seed of the initial weights counts until they are trained.
      if (epochs == 0)
        CHECK_THROWS_AS(swept.compile({.loss = SparseCategoricalCrossentropy{}, .seed = 4}),
                        StateError);
      check_same(swept, plain);
    }
}

TEST_CASE("a state that waits for the first step waits after a sweep too") {
  Sequential source = made(optimizer(0)), swept = made(optimizer(0)), plain = made(optimizer(0));
  source.fit(x, y, toy::quiet(1, 8));
  for (Sequential* model : {&swept, &plain}) {
    model->build(x);
    model->optimizer().load_state(source.optimizer().state());
  }
  find_learning_rate(swept, x, y, few);
  check_same(swept, plain);
}

TEST_CASE("all is put back where an exception ends the sweep") {
  Sequential swept = made(optimizer(0)), plain = made(optimizer(0));
  for (Sequential* model : {&swept, &plain}) model->fit(x, y, toy::quiet(1, 8));
  int calls = 0;
  swept.set_forward_hook("sequential/dense", [&](const Tensor& output) {
    if (++calls == 5) throw Bang();
    return output;
  });
  CHECK_THROWS_AS(find_learning_rate(swept, x, y, few), Bang);
  swept.set_forward_hook("sequential/dense", {});
  check_same(swept, plain);
}

TEST_CASE("rates rise by a constant factor, and the suggestion is where the loss falls") {
  Sequential model = made(optimizer(2));
  const RateSweep sweep = find_learning_rate(model, x, y, few);
  REQUIRE(sweep.rates.size() == sweep.losses.size());
  REQUIRE(sweep.rates.size() == sweep.smoothed.size());
  CHECK(sweep.rates[0] == 1e-6);
  for (std::size_t i = 1; i < sweep.rates.size(); ++i)
    CHECK(sweep.rates[i] / sweep.rates[i - 1] == doctest::Approx(std::pow(1e8, 1.0 / 29)));
  CHECK(sweep.smoothed[0] == sweep.losses[0]);
  CHECK(sweep.smoothed[1] ==
        doctest::Approx((0.9 * 0.1 * sweep.losses[0] + 0.1 * sweep.losses[1]) / 0.19));
  REQUIRE(sweep.suggestion);
  CHECK(*sweep.suggestion > 1e-3);
  CHECK(*sweep.suggestion < 10);
  const FindLearningRateOptions short_one{.low = 0.5, .high = 2, .steps = 10, .batch_size = 100};
  const RateSweep last = find_learning_rate(model, x, y, short_one);
  CHECK(last.rates.back() == 2);
}

TEST_CASE("the suggestion trains a quadratic that is known: below its bound, and not far") {
  // Loss mean (w x)^2 with x = 1: gradient descent converges for rates below 1.
  Sequential model{Dense{.units = 1, .use_bias = false}};
  model.compile({.optimizer = SGD{{.learning_rate = 0.01}}, .loss = MeanSquaredError{}});
  const Array ones = Array::full(Shape{16, 1}, 1), zeros = Array::zeros(Shape{16, 1});
  const RateSweep sweep =
      find_learning_rate(model, ones, zeros, {.low = 1e-5, .high = 100, .batch_size = 16});
  CHECK(sweep.diverged);
  CHECK(sweep.rates.back() < 100);
  REQUIRE(sweep.suggestion);
  CHECK(*sweep.suggestion < 1);
  CHECK(*sweep.suggestion > 0.01);
}

TEST_CASE("weights of samples count in a sweep") {
  Sequential model = made(optimizer(0));
  FindLearningRateOptions weighted = few;
  weighted.sample_weight.assign(40, 0.5);
  const RateSweep half = find_learning_rate(model, x, y, weighted),
                  whole = find_learning_rate(model, x, y, few);
  CHECK(half.losses[0] == doctest::Approx(whole.losses[0] / 2));
}

TEST_CASE("the chart of a sweep has its decades, its suggestion and escaped text") {
  RateSweep sweep{.rates = {1e-3, 1e-2, 1e-1, 1},
                  .losses = {2, 1.5, 1, 90},
                  .smoothed = {2, 1.8, 1.5, 3},
                  .suggestion = 1e-2};
  const std::string svg = rate_sweep_svg(sweep, {.title = "a < b", .width = 400, .height = 300});
  const auto contains = [&](const char* part) { return svg.find(part) != std::string::npos; };
  CHECK(contains(">a &lt; b</text>"));
  CHECK(contains(">learning rate</text>"));
  for (const char* decade : {">1e-3<", ">1e-2<", ">1e-1<", ">1e0<"}) CHECK(contains(decade));
  CHECK(contains("M168.0 40.0V252.0"));  // a third of the way
  CHECK(contains(">0.01</text>"));
  CHECK(std::ranges::count(svg, 'L') == 3);
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(refusal<ValueError>([] { rate_sweep_svg({}); }) ==
        "rate_sweep_svg: a sweep of 0 rates; it must have at least 2");
}

TEST_CASE("find_learning_rate says what is wrong before it trains") {
  Sequential model = made(optimizer(0));
  const auto told = [&](FindLearningRateOptions options) {
    return refusal<ValueError>([&] { find_learning_rate(model, x, y, options); });
  };
  CHECK(told({.low = 0}) == "find_learning_rate: low is 0; it must be above 0 and finite");
  CHECK(told({.low = 1, .high = 1}) ==
        "find_learning_rate: high is 1; it must be above low and finite");
  CHECK(told({.steps = 9}) == "find_learning_rate: steps is 9; it must be at least 10");
  CHECK(told({.batch_size = 0}) == "find_learning_rate: batch_size is 0; it must be at least 1");
  CHECK(told({.smoothing = 1}) ==
        "find_learning_rate: smoothing is 1; it must be at least 0 and below 1");
  CHECK(told({.divergence = 1}) ==
        "find_learning_rate: divergence is 1; it must be above 1 and finite");
  CHECK(refusal<ShapeError>([&] { find_learning_rate(model, x, y, {.sample_weight = {1}}); }) ==
        "find_learning_rate: 1 sample weights for 40 samples; give one for each sample, or none");
  CHECK_THROWS_AS(find_learning_rate(model, x, y.rows(0, 39)), ShapeError);
  Sequential raw{Dense{1}};
  CHECK_THROWS_AS(find_learning_rate(raw, x, y), StateError);
  struct Within : Callback {
    std::string told;
    void on_train_batch_end(Model& m, Index, const Logs&) override {
      told = refusal<StateError>([&] { find_learning_rate(m, x, y); });
    }
  } within;
  FitOptions options = toy::quiet(1, 40);
  options.callbacks = {&within};
  model.fit(x, y, options);
  CHECK(within.told == "sequential: find_learning_rate: fit is running; wait until it returns");
  Optimizer shared = model.optimizer();
  Sequential second = made(shared);
  CHECK(refusal<StateError>([&] { find_learning_rate(second, x, y); }) ==
        "sequential: find_learning_rate: its optimizer is attached to another model; call compile "
        "with one of its own");
}
