// What ops.hpp promises of functions of an element and of reductions where calculus does not say:
// kinks, ties, limits, nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

const real missing = std::numeric_limits<real>::quiet_NaN(),
           inf = std::numeric_limits<real>::infinity();

// The gradient of the sum of f(x) at x.
template <class F>
Array slope(const F& f, const Array& x) {
  const Tensor leaf = Tensor::parameter(x);
  sum(f(leaf)).backward();
  return leaf.grad();
}

}  // namespace

TEST_CASE("abs and sign have slope 0 at 0, and sign is 0 there") {
  const Array x({3}, {-2, 0, 3});
  CHECK(bits_differ(sign(x).value(), Array({3}, {-1, 0, 1})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return fovea::abs(t); }, x),
                    Array({3}, {-1, 0, 1})) == "");
  CHECK(bits_differ(slope(sign, x), Array::zeros({3})) == "");
  CHECK(std::isnan(sign(Tensor({1}, {missing})).item()));
}

TEST_CASE("leaky_relu has its slope at 0, by default Keras', and elu alpha's exponential") {
  const Array x({3}, {-2, 0, 3});
  CHECK(bits_differ(slope([](const Tensor& t) { return leaky_relu(t); }, x),
                    Array({3}, {real(0.2), real(0.2), 1})) == "");
  CHECK(bits_differ(leaky_relu(x, real(0.5)).value(), Array({3}, {-1, 0, 3})) == "");
  CHECK(slope([](const Tensor& t) { return elu(t, 2); }, x).at(1) == 2);
}

TEST_CASE(
    "pow is right at 0: slope 0 for exponent 0, 1 for exponent 1, and NaN of a negative number "
    "only where it has no power") {
  const Array x({3}, {-2, 0, 3});
  for (const real exponent : {real(0), real(1), real(2), real(3)}) {
    INFO("exponent ", exponent);
    const Array y = fovea::pow(x, exponent).value(),
                d = slope([&](const Tensor&t) { return fovea::pow(t, exponent); }, x);
    for (Index i = 0; i < 3; ++i) {
      CHECK(y.at(i) == std::pow(x.at(i), exponent));
      CHECK(d.at(i) == (exponent == 0 ? 0 : exponent * std::pow(x.at(i), exponent - 1)));
    }
  }
  CHECK(std::isnan(fovea::pow(x, real(0.5)).value().at(0)));
}

TEST_CASE("far below 0 gelu keeps its digits") {
  // x erfc(-x / sqrt 2) / 2, from long double: 1 + erf would have no digit left of it from -5.9 on
  // in float, -8.3 in double.
  for (const double x : {-2.0, -5.0, -6.5, -9.0, -12.0}) {
    const long double exact = x * std::erfc(static_cast<long double>(-x) * std::sqrt(0.5L)) / 2;
    const auto y = static_cast<long double>(gelu(Tensor({1}, {static_cast<real>(x)})).item());
    INFO("gelu of ", x, " is ", static_cast<double>(y));
    CHECK(std::abs(y - exact) <= 8 * std::numeric_limits<real>::epsilon() * std::abs(exact));
  }
}

TEST_CASE("at infinities activations are at their limits, and so are their slopes") {
  const Array x({3}, {-inf, inf, missing});
  const auto check = [&](const char* name, Tensor (*op)(const Tensor&), real low, real high,
                         real slope_high) {
    INFO(std::string(name));
    const Array y = op(x).value(), d = slope(op, x);
    CHECK(y.at(0) == low);
    CHECK(y.at(1) == high);
    CHECK(std::isnan(y.at(2)));
    CHECK(d.at(0) == 0);
    CHECK(d.at(1) == slope_high);
    CHECK(std::isnan(d.at(2)));
  };
  check("gelu", gelu, 0, inf, 1);
  check("gelu_tanh", gelu_tanh, 0, inf, 1);
  check("silu", silu, 0, inf, 1);
  check("softplus", softplus, 0, inf, 1);
  check("erf", erf, -1, 1, 0);
}

TEST_CASE(
    "minimum and maximum halve the gradient between equals, and let a NaN of either side through") {
  const Tensor a = Tensor::parameter(Array({4}, {1, 2, 3, missing})),
               b = Tensor::parameter(Array({4}, {2, 2, missing, 1}));
  for (const auto op : {minimum, maximum}) {
    a.zero_grad();
    b.zero_grad();
    const Tensor y = op(a, b);
    CHECK(y.value().at(0) == (op == minimum ? 1 : 2));
    CHECK(y.value().at(1) == 2);
    CHECK(std::isnan(y.value().at(2)));
    CHECK(std::isnan(y.value().at(3)));
    sum(slice(y, 0, 0, 2)).backward();
    CHECK(bits_differ(slice(a.grad(), 0, 0, 2).value(),
                      op == minimum ? Array({2}, {1, 0.5}) : Array({2}, {0, 0.5})) == "");
    CHECK(bits_differ(slice(b.grad(), 0, 0, 2).value(),
                      op == minimum ? Array({2}, {0, 0.5}) : Array({2}, {1, 0.5})) == "");
  }
}

TEST_CASE("the gradient of a minimum is shared among equals, and a NaN is the minimum") {
  const Array x({2, 4}, {1, 5, 1, 5, 2, 3, 4, 9});
  CHECK(bits_differ(slope([](const Tensor& t) { return min(t, 1); }, x),
                    Array({2, 4}, {0.5, 0, 0.5, 0, 1, 0, 0, 0})) == "");
  CHECK(std::isnan(min(Tensor({3}, {1, missing, 0})).item()));
}

TEST_CASE(
    "the gradient of a product is that of the other factors, with one zero, two zeros, and of an "
    "infinity") {
  const Array x({4, 3}, {2, 3, 4, 2, 0, 4, 0, 3, 0, 1, inf, 2});
  CHECK(bits_differ(prod(x, 1).value(), Array({4}, {24, 0, 0, inf})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return prod(t, 1); }, x),
                    Array({4, 3}, {12, 8, 6, 0, 8, 0, 0, 0, 0, inf, 2, inf})) == "");
}

TEST_CASE("reductions over nothing: a product is 1, a logarithm of a sum -infinity, a norm 0") {
  const Array nothing({2, 0}, {});
  CHECK(bits_differ(prod(nothing, 1).value(), Array({2}, {1, 1})) == "");
  CHECK(bits_differ(logsumexp(nothing, 1).value(), Array({2}, {-inf, -inf})) == "");
  CHECK(bits_differ(norm(nothing, 1).value(), Array({2}, {0, 0})) == "");
  CHECK(slope([](const Tensor& t) { return prod(t, 1) + norm(t, 1); }, nothing).shape() ==
        Shape{2, 0});
}

TEST_CASE(
    "logsumexp of huge numbers is finite, of -infinity alone it is -infinity with gradient 0") {
  const Array x({4, 2}, {10000, 10000, -inf, 3, -inf, -inf, inf, 1});
  const Array y = logsumexp(x, 1).value();
  CHECK(y.at(0) == doctest::Approx(10000 + std::log(2.0)));
  CHECK(y.at(1) == 3);
  CHECK(y.at(2) == -inf);
  CHECK(y.at(3) == inf);
  const Array d = slope([](const Tensor& t) { return logsumexp(slice(t, 0, 0, 3), 1); }, x);
  for (const Index i : {0, 1})
    CHECK(d.at(i) == doctest::Approx(0.5).epsilon(0.001));  // of e^(x - y), y rounded at 1e4
  CHECK(bits_differ(d.rows(1, 4), Array({3, 2}, {0, 1, 0, 0, 0, 0})) == "");
}

TEST_CASE("a norm has gradient x / norm, and 0 where it is 0") {
  const Array d = slope([](const Tensor& t) { return norm(t, 1); }, Array({2, 2}, {3, 4, 0, 0}));
  CHECK(d.at(0) == doctest::Approx(0.6));
  CHECK(d.at(1) == doctest::Approx(0.8));
  CHECK(bits_differ(d.rows(1, 2), Array::zeros({1, 2})) == "");
}

TEST_CASE(
    "the variance of one element is 0, with gradient 0, and of numbers far from 0 it keeps its "
    "digits") {
  CHECK(var(Tensor({1}, {5})).item() == 0);
  CHECK(slope([](const Tensor& t) { return var(t); }, Array({1}, {5})).at(0) == 0);
  const Tensor far({4}, {10001, 10002, 10003, 10004});
  CHECK(var(far).item() == real(1.25));
  CHECK(var(far, {}, false, {.unbiased = true}).item() == doctest::Approx(5.0 / 3));
}

TEST_CASE("the gradient of a running sum is the sum of what follows") {
  const Array x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(bits_differ(cumsum(x, 0).value(), Array({2, 3}, {1, 2, 3, 5, 7, 9})) == "");
  CHECK(bits_differ(cumsum(x).value(), Array({2, 3}, {1, 3, 6, 4, 9, 15})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return cumsum(t); }, x),
                    Array({2, 3}, {3, 2, 1, 3, 2, 1})) == "");
}
