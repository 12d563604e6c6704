// What ops.hpp promises where calculus does not say: ties, kinks, bounds, empty axes, operators,
// and touched rows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

const real not_a_number = std::numeric_limits<real>::quiet_NaN();

// The gradient of the sum of f(x) at x.
template <class F>
Array slope(const F& f, const Array& x) {
  const Tensor leaf = Tensor::parameter(x);
  sum(f(leaf)).backward();
  return leaf.grad();
}

}  // namespace

TEST_CASE("operators are the functions they stand for, with a number on either side") {
  const Tensor a({3}, {1, -2, 3}), b({3}, {4, 5, -6});
  CHECK(bits_differ((a + b).value(), add(a, b).value()) == "");
  CHECK(bits_differ((a - b).value(), subtract(a, b).value()) == "");
  CHECK(bits_differ((a * b).value(), multiply(a, b).value()) == "");
  CHECK(bits_differ((a / b).value(), divide(a, b).value()) == "");
  CHECK(bits_differ((-a).value(), negative(a).value()) == "");
  CHECK(bits_differ((a + real(2)).value(), Array({3}, {3, 0, 5})) == "");
  CHECK(bits_differ((a - real(2)).value(), Array({3}, {-1, -4, 1})) == "");
  CHECK(bits_differ((a * real(2)).value(), Array({3}, {2, -4, 6})) == "");
  CHECK(bits_differ((a / real(2)).value(), Array({3}, {0.5, -1, 1.5})) == "");
  CHECK(bits_differ((real(2) + a).value(), Array({3}, {3, 0, 5})) == "");
  CHECK(bits_differ((real(2) - a).value(), Array({3}, {1, 4, -1})) == "");
  CHECK(bits_differ((real(2) * a).value(), Array({3}, {2, -4, 6})) == "");
  CHECK(bits_differ((real(6) / a).value(), Array({3}, {6, -3, 2})) == "");
}

TEST_CASE("the gradient of a maximum is shared equally among equals") {
  const Array x({2, 4}, {1, 5, 5, 5, 2, 2, 1, 0});
  CHECK(bits_differ(slope([](const Tensor& t) { return max(t, 1); }, x),
                    Array({2, 4}, {0, real(1) / 3, real(1) / 3, real(1) / 3, 0.5, 0.5, 0, 0})) ==
        "");
  CHECK(bits_differ(slope([](const Tensor& t) { return max(t, 0); }, x),
                    Array({2, 4}, {0, 1, 1, 1, 1, 0, 0, 0})) == "");
}

TEST_CASE("relu has slope 0 at 0, and lets a NaN through") {
  CHECK(bits_differ(slope(relu, Array({4}, {-1, 0, real(-0.0), 2})), Array({4}, {0, 0, 0, 1})) ==
        "");
  CHECK(std::isnan(relu(Tensor({1}, {not_a_number})).item()));
}

TEST_CASE("clip has slope 1 at its bounds, 0 beyond, and lets a NaN through") {
  const auto clipped = [](const Tensor& t) { return clip(t, -1, 2); };
  const Array x({5}, {real(-1.5), -1, 0, 2, real(2.5)});
  CHECK(bits_differ(clipped(x).value(), Array({5}, {-1, -1, 0, 2, 2})) == "");
  CHECK(bits_differ(slope(clipped, x), Array({5}, {0, 1, 1, 1, 0})) == "");
  CHECK(std::isnan(clipped(Tensor({1}, {not_a_number})).item()));
}

TEST_CASE("the sum over nothing is 0, and its gradient is empty") {
  const Tensor x = Tensor::parameter(Array({2, 0, 3}, {}));
  const Tensor y = sum(x, 1);
  CHECK(bits_differ(y.value(), Array::zeros({2, 3})) == "");
  sum(y).backward();
  CHECK(x.grad().shape() == Shape{2, 0, 3});
}

TEST_CASE(
    "a product over an inner size of 0 is zeros, with and without leading axes, and gradients are "
    "empty") {
  for (const Shape& leading : {Shape{}, Shape{2}, Shape{2, 5}})
    for (const bool shared : {true, false}) {
      INFO("leading axes ", to_string(leading), ", one right matrix: ", shared);
      const Shape left = leading.inserted(leading.rank(), 3).inserted(leading.rank() + 1, 0);
      const Shape right = shared
                              ? Shape{0, 4}
                              : leading.inserted(leading.rank(), 0).inserted(leading.rank() + 1, 4);
      const Tensor a = Tensor::parameter(Array(left)), b = Tensor::parameter(Array(right));
      const Tensor c = matmul(a, b);
      CHECK(bits_differ(c.value(), Array::zeros(leading.inserted(leading.rank(), 3)
                                                    .inserted(leading.rank() + 1, 4))) == "");
      sum(c).backward();
      CHECK(a.grad().shape() == left);
      CHECK(b.grad().shape() == right);
    }
}

TEST_CASE("the gradient of a table is its touched rows, each once and in ascending order") {
  const Tensor table = Tensor::parameter(Array({5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  sum(gather_rows(table, Ids({2, 2}, {3, 1, 3, 3})) * real(2)).backward();
  REQUIRE(table.gradient().has_rows_only());
  const TouchedRows rows = table.gradient().rows();
  REQUIRE(rows.ids.count() == 2);
  CHECK(rows.ids.at(0) == 1);
  CHECK(rows.ids.at(1) == 3);
  CHECK(bits_differ(rows.values, Array({2, 2}, {2, 2, 6, 6})) == "");
  CHECK(bits_differ(table.grad(), Array({5, 2}, {0, 0, 2, 2, 0, 0, 6, 6, 0, 0})) == "");
}

TEST_CASE("dropout at rate 0 is the identity and at 1 all zeros, also for a NaN") {
  const Array x({3}, {1, not_a_number, 3});
  CHECK(bits_differ(dropout(x, 0, Rng(1)).value(), x) == "");
  CHECK(bits_differ(dropout(x, 1, Rng(1)).value(), Array::zeros({3})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return dropout(t, 1, Rng(1)); }, x),
                    Array::zeros({3})) == "");
}

TEST_CASE(
    "dropout drops the given part of many elements, and a part of a batch draws the same as the "
    "whole") {
  const Index n = 100000;
  const Array x = Array::full({n}, 1);
  const Rng random(7);
  for (const real rate : {real(0.1), real(0.5), real(0.9)}) {
    const Array whole = dropout(x, rate, random).value();
    Index dropped = 0;
    for (const real value : whole.values()) dropped += value == 0;
    CHECK(std::abs(static_cast<double>(dropped) / static_cast<double>(n) - rate) <
          4 * std::sqrt(rate * (1 - rate) / static_cast<double>(n)));
    CHECK(bits_differ(dropout(x.rows(500, 900), rate, random, 500).value(), whole.rows(500, 900)) ==
          "");
  }
}

TEST_CASE("cross-entropy from probabilities stays finite at 0 and 1, where its slope is 0") {
  // Keras: p clipped to [1e-7, 1 - 1e-7], then renormalised. A certain and wrong prediction costs
  // log(1 / 1e-7) = 16.118.
  const Array p({2, 2}, {1, 0, 1, 0});
  const Ids labels({2}, {0, 1});
  const Array loss = sparse_categorical_crossentropy_from_probabilities(p, labels).value();
  CHECK(loss.at(0) ==
        doctest::Approx(1e-7).epsilon(0.25));  // 1 - 1e-7 is rounded to 1 - 1.19e-7 in float
  CHECK(loss.at(1) == doctest::Approx(16.11809565095832).epsilon(1e-6));
  const Array dp = slope(
      [&](const Tensor& t) {
        return sparse_categorical_crossentropy_from_probabilities(t, labels);
      },
      p);
  for (const real value : dp.values()) CHECK(value == 0);
}

TEST_CASE("cross-entropy and softmax of logits as large as 1e4 are finite, and rows sum to one") {
  const Array z({2, 3}, {10000, -10000, 9999, -10000, -10000, -10000});
  const Array y = softmax(z).value();
  for (Index row = 0; row < 2; ++row)
    CHECK(y.at(3 * row) + y.at(3 * row + 1) + y.at(3 * row + 2) == doctest::Approx(1));
  const Array loss = sparse_categorical_crossentropy(z, Ids({2}, {1, 2})).value();
  CHECK(loss.at(0) == doctest::Approx(20000.3132616875));  // log(1 + e^-1 + e^-20000) + 20000
  CHECK(loss.at(1) == doctest::Approx(1.09861228866811));  // log 3
}
