// A mean is a sum divided by n, wherever one is formed; and deviations from it keep their digits
// beside a large mean.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "fovea/array/make.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/pooling.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;
using support::wide;

namespace {

// The gradient of f(x) at x, where f(x) gets `dy`.
template <class F>
Array slope(const F& f, const Array& x, const Array& dy) {
  const Tensor leaf = Tensor::parameter(x);
  sum(f(leaf) * Tensor(dy)).backward();
  return leaf.grad();
}

// A mask (1, 2 n) that keeps the first n.
Mask first_half(Index n) {
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(2 * n), 0);
  std::fill_n(keep.begin(), n, 1);
  return Mask(Shape{1, 2 * n}, keep);
}

}  // namespace

TEST_CASE(
    "the mean of n ones is 1, for n = 1 to 2000, in every op, loss and layer that forms one") {
  for (Index n = 1; n <= 2000; ++n) {
    INFO("n = ", n);
    const Array row = ones({1, n}), none = Array::zeros({1, n}), series = ones({1, n, 1});
    const auto is_one = [](const Tensor& y) { return y.item() == 1; };
    CHECK(is_one(mean(row)));
    CHECK(is_one(mean(row, 1)));
    CHECK(is_one(mean(ones({n, 1}), 0)));
    CHECK(is_one(mean_squared_error(row, none)));
    CHECK(is_one(mean_absolute_error(none, row)));
    CHECK(is_one(huber(row * real(1.5), none)));
    CHECK(is_one(average_pool1d(series, {.pool_size = n})));
    CHECK(is_one(average_pool2d(ones({1, n, 1, 1}), {.pool_size = {n, 1}})));
    CHECK(is_one(GlobalAveragePooling1D{}(series)));
    CHECK(is_one(GlobalAveragePooling1D{}(concat({series, series}, 1), first_half(n))));
    CHECK(is_one(sum(rms_norm(row, ones({n}), 0)) / static_cast<real>(n)));
    const Tensor equal = binary_crossentropy(none, row),
                 one = binary_crossentropy(Array::zeros({1, 1}), ones({1, 1}));
    CHECK(std::abs(equal.item() - one.item()) <= 16 * std::numeric_limits<real>::epsilon());
  }
}

TEST_CASE("the gradient of a mean is dy / n, rounded once") {
  for (Index trial = 0; trial < 300; ++trial) {
    Generate g("gradient of a mean", trial);
    const Index n = g.integer(1, 2000);
    const Array x = g.array({1, n}, {-3, 3}), dy = g.array({1}, {-3, 3});
    const real share = dy.at(0) / static_cast<real>(n);
    INFO("n = ", n);
    CHECK(bits_differ(slope([](const Tensor& t) { return mean(t, 1); }, x, dy),
                      Array::full({1, n}, share)) == "");
    const auto pool = [n](const Tensor& t) {
      return average_pool1d(reshape(t, {1, n, 1}), {.pool_size = n});
    };
    CHECK(bits_differ(slope(pool, x, dy), Array::full({1, n}, share)) == "");
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(n), 1);
    const auto masked = [&](const Tensor& t) {
      return GlobalAveragePooling1D{}(reshape(t, {1, n, 1}), Mask(Shape{1, n}, all));
    };
    CHECK(bits_differ(slope(masked, x, dy), Array::full({1, n}, share)) == "");
  }
}

TEST_CASE(
    "the variance and the standard deviation of n equal numbers are 0, and so are their "
    "gradients") {
  CHECK(var(Array::full({7}, 3)).item() == 0);
  for (Index n = 1; n <= 400; ++n) {
    Generate g("equal numbers", n);
    const Array x = Array::full(
        {n}, static_cast<real>(std::exp(g.uniform(-20, 20)) * (g.chance(0.5) ? 1 : -1)));
    INFO("n = ", n, " of ", x.at(0));
    REQUIRE(var(x).item() == 0);
    REQUIRE(fovea::std(x).item() == 0);
    REQUIRE(bits_differ(slope([](const Tensor& t) { return fovea::std(t); }, x, ones({})),
                        Array::zeros({n})) == "");
    REQUIRE(bits_differ(slope([](const Tensor& t) { return var(t); }, x, ones({})),
                        Array::zeros({n})) == "");
  }
}

TEST_CASE(
    "std is the root of var: over axes, kept or not, biased or not, with gradient deviation / (n "
    "std)") {
  Generate g("std", 0);
  const Array x = g.array({5, 7}, {-3, 3});
  const VarOptions unbiased{.unbiased = true};
  CHECK(bits_differ(fovea::std(x, 1).value(), sqrt(var(x, 1)).value()) == "");
  CHECK(bits_differ(fovea::std(x, 0, true, unbiased).value(),
                    sqrt(var(x, 0, true, unbiased)).value()) == "");
  CHECK(fovea::std(x, {0, 1}, true).shape() == Shape{1, 1});
  const Array d = slope([](const Tensor& t) { return fovea::std(t); }, x, ones({}));
  const double middle = mean(x).item(), width = fovea::std(x).item();
  for (Index i = 0; i < 35; ++i)
    CHECK(d.at(i) == doctest::Approx((x.at(i) - middle) / (35 * width)).epsilon(1e-4));
  CHECK(support::refusal<ValueError>([] {
          fovea::std(ones({1}), {}, false, {.unbiased = true});
        }) == "std: unbiased, over a single element of (1,); it needs two");
  CHECK(support::refusal<ValueError>([] { fovea::std(ones({0})); }) ==
        "std: over an axis of size 0 of (0,), where there is no std");
}

TEST_CASE("var and std of numbers beside a large offset are right") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate g("large offset", trial);
    const Index n = g.integer(2, 70000);
    Array x = g.array({n}, {-3, 3});
    for (real& v : x.mutable_values()) v += real(1e7);
    wide middle = 0, squares = 0;
    for (const real v : x.values()) middle += static_cast<wide>(v) / static_cast<wide>(n);
    for (const real v : x.values()) squares += (v - middle) * (v - middle) / static_cast<wide>(n);
    CHECK(static_cast<double>(var(x).item()) ==
          doctest::Approx(static_cast<double>(squares)).epsilon(1e-5).scale(0));
    CHECK(static_cast<double>(fovea::std(x).item()) ==
          doctest::Approx(static_cast<double>(std::sqrt(squares))).epsilon(1e-5).scale(0));
  }
}

TEST_CASE(
    "layer_norm and rms_norm of long rows beside an offset of 1e7 agree with long double, forward "
    "and backward") {
  wide worst = 0, worst_slope = 0;
  for (const bool centred : {true, false})
    for (const Index width : {Index(5), Index(4096), Index(4097), Index(12289), Index(65536)}) {
      Generate g("offset", width);
      Array x = g.array({2, width}, {-5, 5});
      const Array gamma = ones({width}), beta = Array::zeros({width}),
                  dy = g.array({2, width}, {-1, 1});
      for (Index i = 0; i < width; ++i) x.mutable_data()[i] += real(1e7);
      const auto op = [&](const Tensor& t) {
        return centred ? layer_norm(t, gamma, beta) : rms_norm(t, gamma);
      };
      const Array y = op(x).value(), dx = slope(op, x, dy);
      for (Index row = 0; row < 2; ++row) {
        const auto at = [&](const Array& a, Index i) {
          return static_cast<wide>(a.at(row * width + i));
        };
        const wide n = static_cast<wide>(width), epsilon = centred ? real(1e-3) : real(1e-6),
                   first = centred ? at(x, 0) : 0;
        wide middle = 0, squares = 0, total = 0, along = 0;
        for (Index i = 0; centred && i < width; ++i) middle += (at(x, i) - first) / n;
        const auto deviation = [&](Index i) { return (at(x, i) - first) - middle; };
        for (Index i = 0; i < width; ++i) squares += deviation(i) * deviation(i) / n;
        const wide scale = 1 / std::sqrt(squares + epsilon);
        for (Index i = 0; i < width; ++i)
          total += at(dy, i) / n, along += at(dy, i) * deviation(i) * scale / n;
        if (!centred) total = 0;
        for (Index i = 0; i < width; ++i) {
          const wide exact = deviation(i) * scale;
          worst = std::max(worst, std::abs(at(y, i) - exact));
          worst_slope =
              std::max(worst_slope,
                       std::abs(at(dx, i) - scale * (at(dy, i) - total - exact * along)) / scale);
        }
      }
    }
  std::printf(
      "figure: worst error of normalised values beside 1e7 = %.1Le, of their gradients = %.1Le\n",
      worst, worst_slope);
  CHECK(worst < 64 * std::numeric_limits<real>::epsilon());
  CHECK(worst_slope < 64 * std::numeric_limits<real>::epsilon());
}
