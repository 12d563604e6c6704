// Adam's trajectory against its two published forms, written out for one number at a time.
#include <doctest/doctest.h>

#include <cmath>

#include <limits>

#include "fovea/optim/adam.hpp"
#include "support/generate.hpp"

using namespace fovea;

namespace {

constexpr bool is_double = sizeof(real) == sizeof(double);

struct Oracle {
  AdamOptions o;
  long double p, m = 0, v = 0;
  int t = 0;

  void step(long double g) {
    const double rate = o.learning_rate.at(t++);
    g += o.l2 * p;
    m = o.beta_1 * m + (1 - o.beta_1) * g;
    v = o.beta_2 * v + (1 - o.beta_2) * g * g;
    const long double b1 = 1 - std::pow(static_cast<long double>(o.beta_1), t),
                      b2 = 1 - std::pow(static_cast<long double>(o.beta_2), t);
    const long double change =
        o.form == AdamForm::pytorch
            ? rate * (m / b1) / (std::sqrt(v / b2) + o.epsilon)            // PyTorch
            : rate * std::sqrt(b2) / b1 * m / (std::sqrt(v) + o.epsilon);  // Keras
    p = p * (1 - rate * o.weight_decay) - change;
  }
};

const AdamOptions forms[] = {
    {},
    {.epsilon = 1e-8, .form = AdamForm::pytorch},
    {.learning_rate = 0.01, .beta_1 = 0.5, .beta_2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.02},
    {.learning_rate = 0.01, .form = AdamForm::pytorch, .l2 = 0.1}};

}  // namespace

TEST_CASE(
    "a thousand steps over gradients 1, -1, 1e-12 and 0 follow the formula, in Keras' form and in "
    "PyTorch's") {
  constexpr double gradients[] = {1, -1, 1e-12, 0};
  for (const AdamOptions& form : forms) {
    CAPTURE(static_cast<int>(form.form));
    CAPTURE(form.weight_decay);
    // Four numbers, each beginning elsewhere in the cycle, and a fifth that sees 1e-12 alone, where
    // the forms part.
    const Tensor p =
        Tensor::parameter(Array(Shape{5}, {real(0.5), real(-0.25), real(0.125), 1, 1}));
    std::vector<Oracle> oracles;
    for (const real start : p.value().values())
      oracles.push_back({form, static_cast<long double>(start)});
    Adam adam{form};
    adam.attach({{"p", p}});
    for (int step = 0; step < 1000; ++step) {
      Array gradient(Shape{5});
      for (int i = 0; i < 5; ++i) {
        const real g = static_cast<real>(i < 4 ? gradients[(step + i) % 4] : 1e-12);
        gradient.mutable_data()[i] = g;
        oracles[static_cast<std::size_t>(i)].step(static_cast<long double>(g));
      }
      adam.zero_grad();
      p.gradient().add(gradient);
      adam.step();
      for (int i = 0; i < 5; ++i)
        REQUIRE(static_cast<double>(p.value().at(i)) ==
                doctest::Approx(static_cast<double>(oracles[static_cast<std::size_t>(i)].p))
                    .epsilon(is_double ? 1e-13 : 2e-5)
                    .scale(1));
    }
    if (is_double &&
        form.l2 == 0)  // with l2, p and m go to 0, where only the absolute error means something
      for (int i = 0; i < 5; ++i) {
        const Oracle& oracle = oracles[static_cast<std::size_t>(i)];
        CHECK(static_cast<double>(adam.slots()[0]["mean"].at(i)) ==
              doctest::Approx(static_cast<double>(oracle.m)).epsilon(1e-12).scale(0));
        CHECK(static_cast<double>(adam.slots()[0]["variance"].at(i)) ==
              doctest::Approx(static_cast<double>(oracle.v)).epsilon(1e-12).scale(0));
      }
  }
}

TEST_CASE("the two forms part where the gradient is as small as epsilon") {
  if (!is_double) return;
  const Tensor keras = Tensor::parameter(Array(Shape{1}, {1})),
               pytorch = Tensor::parameter(Array(Shape{1}, {1}));
  Adam outside{{.epsilon = 1e-7}}, inside{{.epsilon = 1e-7, .form = AdamForm::pytorch}};
  outside.attach({{"p", keras}});
  inside.attach({{"p", pytorch}});
  for (const Tensor& p : {keras, pytorch}) p.gradient().add(Array(Shape{1}, {real(1e-7)}));
  outside.step();
  inside.step();
  // g / (g + epsilon / sqrt(1 - 0.999)) and g / (g + epsilon)
  CHECK(1 - keras.item() == doctest::Approx(1e-3 / (1 + 1 / std::sqrt(1e-3))).epsilon(1e-6));
  CHECK(1 - pytorch.item() == doctest::Approx(1e-3 / 2).epsilon(1e-6));
}

TEST_CASE(
    "Adam is exact for gradients from 3.5e-18 to 1.8e19, in double from 4.8e-153 to 1.3e154, and "
    "at both ends") {
  const double smallest = is_double ? 4.8e-153 : 3.5e-18,
               largest = std::sqrt(static_cast<double>(std::numeric_limits<real>::max()));
  constexpr Index count = 200;
  for (const bool inside : {false, true}) {
    support::Generate g("range of gradients", inside);
    const AdamOptions form{.epsilon = is_double ? 1e-300 : 1e-30,
                           .form = inside ? AdamForm::pytorch : AdamForm::keras};
    const Tensor p = Tensor::parameter(Array::zeros(Shape{count}));
    std::vector<double> sizes = {smallest, 0.9999 * largest};
    while (static_cast<Index>(sizes.size()) < count)
      sizes.push_back(std::exp(g.uniform(std::log(sizes[0]), std::log(sizes[1]))));
    std::vector<Oracle> oracles(count, Oracle{form, 0});
    Adam adam{form};
    adam.attach({{"p", p}});
    for (int step = 0; step < 30; ++step) {
      Array gradient(Shape{count});
      for (Index i = 0; i < count; ++i) {
        const real value = static_cast<real>(sizes[static_cast<std::size_t>(i)] *
                                             (i < 2                          ? 1
                                              : (step == 0 || g.chance(0.7)) ? g.uniform(1, 1.9)
                                                                             : -g.uniform(1, 1.9)));
        gradient.mutable_data()[i] = std::min(value, static_cast<real>(0.9999 * largest));
        oracles[static_cast<std::size_t>(i)].step(static_cast<long double>(gradient.at(i)));
      }
      adam.zero_grad();
      p.gradient().add(gradient);
      adam.step();
      for (Index i = 0; i < count; ++i) {
        CAPTURE(gradient.at(i));
        REQUIRE(static_cast<double>(p.value().at(i)) ==
                doctest::Approx(static_cast<double>(oracles[static_cast<std::size_t>(i)].p))
                    .epsilon(is_double ? 1e-12 : 1e-5)
                    .scale(1e-3));
      }
    }
  }
}

TEST_CASE(
    "a gradient of 1.9e19 moves a parameter by the learning rate at first, and one of 1e-19 under "
    "the default epsilon as the formula says") {
  for (const double size : {is_double ? 1.4e154 : 1.9e19, is_double ? 1e-160 : 1e-19}) {
    const Tensor p = Tensor::parameter(Array::zeros(Shape{1}));
    Adam adam;
    adam.attach({{"p", p}});
    p.gradient().add(Array::full(Shape{1}, static_cast<real>(size)));
    adam.step();
    const double expected = -1e-3 * size / (size + 1e-7 / std::sqrt(1e-3));
    CHECK(std::abs(p.item() - expected) <= 1e-5 * std::abs(expected));
  }
}

TEST_CASE(
    "where squares of gradients are beyond the largest number Adam stands still, finite, for good, "
    "and below the smallest it moves less, never more") {
  const double root = std::sqrt(static_cast<double>(std::numeric_limits<real>::max())),
               least = std::sqrt(static_cast<double>(std::numeric_limits<real>::min()));
  for (const AdamOptions& given : forms) {
    if (given.weight_decay != 0 || given.l2 != 0) continue;
    support::Generate g("beyond the range", given.form == AdamForm::pytorch);
    AdamOptions form = given;
    form.epsilon = is_double ? 1e-300 : 1e-30;
    constexpr Index count = 67;
    const Array start = g.array(Shape{2, count}, {-1, 1});
    const Tensor p = Tensor::parameter(start);
    Adam adam{form};
    adam.attach({{"p", p}});
    for (int step = 0; step < 50; ++step) {
      Array gradient(Shape{2, count});
      for (Index i = 0; i < count; ++i) {
        const double size =
            step > 3 ? g.uniform(-3, 3)
                     : std::exp(g.uniform(std::log(40 * root), std::log(1e-2 * root * root)));
        gradient.mutable_data()[i] = static_cast<real>(g.chance(0.5) ? size : -size);
        gradient.mutable_data()[count + i] = static_cast<real>(least * g.uniform(-10, 10));
      }
      adam.zero_grad();
      p.gradient().add(gradient);
      adam.step();
      for (Index i = 0; i < count; ++i) {
        REQUIRE(p.value().at(i) == start.at(i));
        REQUIRE(std::abs(p.value().at(count + i) - start.at(count + i)) <=
                form.learning_rate.at(step) * (step + 2));
      }
    }
    CHECK(std::isinf(adam.slots()[0]["variance"].at(0)));
  }
}

TEST_CASE(
    "a gradient of NaN or infinity makes the parameter NaN, also where the mean of squares is "
    "infinite already") {
  const real infinity = std::numeric_limits<real>::infinity();
  for (const real bad : {std::numeric_limits<real>::quiet_NaN(), infinity, -infinity})
    for (const real before : {real(1), std::numeric_limits<real>::max() / 1000}) {
      const Tensor p = Tensor::parameter(Array::zeros(Shape{1}));
      Adam adam;
      adam.attach({{"p", p}});
      p.gradient().add(Array::full(Shape{1}, before));
      adam.step();
      CHECK(std::isfinite(p.item()));
      adam.zero_grad();
      p.gradient().add(Array::full(Shape{1}, bad));
      adam.step();
      CHECK(std::isnan(p.item()));
    }
}
