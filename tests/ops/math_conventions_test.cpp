// What ops.hpp promises of functions of an element and of reductions where calculus does not say:
// kinks, ties, limits, nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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

TEST_CASE("floor goes down, round to the nearest and from halves to even, both with slope 0") {
  const Array x({6}, {-2.5, -0.5, 0.5, 1.5, 2.25, -inf});
  CHECK(bits_differ(fovea::floor(x).value(), Array({6}, {-3, -1, 0, 1, 2, -inf})) == "");
  CHECK(bits_differ(fovea::round(x).value(), Array({6}, {-2, -real(0), 0, 2, 2, -inf})) == "");
  for (const auto op : {static_cast<Tensor (*)(const Tensor&)>(fovea::floor),
                        static_cast<Tensor (*)(const Tensor&)>(fovea::round)}) {
    CHECK(bits_differ(slope(op, x), Array::zeros({6})) == "");
    CHECK(std::isnan(op(Tensor({1}, {missing})).item()));
    CHECK(std::isnan(slope(op, Array({1}, {missing})).at(0)));
  }
}

namespace {

// An op of two operands at a point: its value and both slopes.
struct Point {
  real a, b, value, slope_a, slope_b;
};

bool same(real a, real b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= real(1e-5) * std::abs(b);
}

template <class Op>
void check_points(const Op& op, std::initializer_list<Point> points) {
  for (const Point& p : points) {
    INFO(p.a, " and ", p.b);
    const Tensor a = Tensor::parameter(Array({1}, {p.a})), b = Tensor::parameter(Array({1}, {p.b}));
    const Tensor y = op(a, b);
    y.backward();
    CHECK_MESSAGE(same(y.item(), p.value), y.item());
    CHECK_MESSAGE(same(a.grad().at(0), p.slope_a), a.grad().at(0));
    CHECK_MESSAGE(same(b.grad().at(0), p.slope_b), b.grad().at(0));
  }
}

}  // namespace

TEST_CASE(
    "a power of tensors is NumPy's at 0, at infinities and of NaN, and its slopes vanish there") {
  check_points([](const Tensor& x, const Tensor& e) { return fovea::pow(x, e); },
               {{0, 0, 1, 0, 0},
                {0, 2, 0, 0, 0},
                {0, -1, inf, -inf, -inf},
                {0, real(0.5), 0, inf, 0},
                {-2, 3, -8, 12, missing},
                {-2, real(0.5), missing, missing, missing},
                {inf, -1, 0, 0, 0},
                {inf, 2, inf, inf, inf},
                {1, missing, 1, missing, 0},
                {missing, 0, 1, 0, missing},
                {2, -inf, 0, 0, 0},
                {2, 3, 8, 12, real(5.545177)}});
}

TEST_CASE("logaddexp neither overflows nor turns infinities into NaN, and halves between equals") {
  check_points(logaddexp, {{-inf, -inf, -inf, 0.5, 0.5},
                           {inf, inf, inf, 0.5, 0.5},
                           {inf, -inf, inf, 1, 0},
                           {-inf, 3, 3, 0, 1},
                           {10000, 10000, real(10000.693147), 0.5, 0.5},
                           {1, 2, real(2.3132617), real(0.26894142), real(0.73105858)},
                           {missing, 1, missing, missing, missing},
                           {1, missing, missing, missing, missing},
                           {inf, missing, missing, missing, missing}});
}

TEST_CASE("atan2 knows the four quadrants, and its slopes are 0 at the origin and far away") {
  constexpr double pi = 3.14159265358979323846;
  const auto part = [](double of) { return static_cast<real>(of * pi); };
  const real large = real(1e30), small = real(1e-30);  // of squares beyond the range of float
  check_points(fovea::atan2, {{1, 1, part(0.25), 0.5, -0.5},
                              {1, -1, part(0.75), -0.5, -0.5},
                              {-1, -1, part(-0.75), -0.5, 0.5},
                              {-1, 1, part(-0.25), 0.5, 0.5},
                              {0, 0, 0, 0, 0},
                              {0, -real(0), part(1), 0, 0},
                              {0, 2, 0, 0.5, 0},
                              {inf, 1, part(0.5), 0, 0},
                              {1, -inf, part(1), 0, 0},
                              {inf, inf, part(0.25), 0, 0},
                              {missing, 1, missing, missing, missing},
                              {inf, missing, missing, missing, missing}});
  const Tensor y = Tensor::parameter(Array({2}, {large, small})),
               x = Tensor::parameter(Array({2}, {large, small}));
  sum(fovea::atan2(y, x)).backward();
  CHECK_MESSAGE(same(y.grad().at(0), 1 / large / 2), y.grad().at(0));
  CHECK_MESSAGE(same(x.grad().at(0), -1 / large / 2), x.grad().at(0));
  CHECK_MESSAGE(same(y.grad().at(1), 1 / small / 2), y.grad().at(1));
}

TEST_CASE("sort and argsort put NaN last, and of equal numbers the first comes first") {
  const Array x({2, 5}, {2, missing, 1, -inf, inf, 1, missing, 1, missing, 0});
  const Array y = fovea::sort(x).value();
  CHECK(bits_differ(slice(y, 1, 0, 3).value(), Array({2, 3}, {-inf, 1, 2, 0, 1, 1})) == "");
  CHECK(y.at(3) == inf);
  for (const Index i : {4, 8, 9}) CHECK(std::isnan(y.at(i)));
  CHECK(std::ranges::equal(argsort(x).values(),
                           std::vector<std::int32_t>{3, 2, 0, 4, 1, 4, 0, 2, 1, 3}));
  CHECK(std::ranges::equal(argsort(x, 0).values(),
                           std::vector<std::int32_t>{1, 0, 0, 0, 1, 0, 1, 1, 1, 0}));
  const Array d = slope([](const Tensor& t) { return fovea::sort(t); }, x);
  for (Index i = 0; i < 10; ++i) CHECK((std::isnan(x.at(i)) ? std::isnan(d.at(i)) : d.at(i) == 1));
  CHECK(fovea::sort(Array({2, 0}, {})).shape() == Shape{2, 0});
  CHECK(argsort(Array({0, 3}, {}), 0).shape() == Shape{0, 3});
}

TEST_CASE("a running product keeps its gradient with zeros among the factors") {
  const Array x({2, 4}, {2, 0, 4, 5, 0, 3, 0, 2});
  CHECK(bits_differ(cumprod(x).value(), Array({2, 4}, {2, 0, 0, 0, 0, 0, 0, 0})) == "");
  CHECK(bits_differ(cumprod(x, 0).value(), Array({2, 4}, {2, 0, 4, 5, 0, 0, 0, 10})) == "");
  const real large = std::numeric_limits<real>::max();  // the products that nobody uses overflow
  CHECK(bits_differ(slope([](const Tensor& t) { return slice(cumprod(t), 0, 0, 1); },
                          Array({3}, {large, large, 2})),
                    Array({3}, {1, 0, 0})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return cumprod(t); }, x),
                    Array({2, 4}, {1, 2 * (1 + 4 + 20), 0, 0, 1 + 3, 0, 0, 0})) == "");
}

TEST_CASE("a difference of an axis that is too short is empty, as in NumPy") {
  const Array x({2, 3}, {1, 4, 9, 0, 0, 2});
  CHECK(bits_differ(fovea::diff(x).value(), Array({2, 2}, {3, 5, 0, 2})) == "");
  CHECK(bits_differ(fovea::diff(x, 2).value(), Array({2, 1}, {2, 2})) == "");
  CHECK(bits_differ(fovea::diff(x, 1, 0).value(), Array({1, 3}, {-1, -4, -7})) == "");
  CHECK(fovea::diff(x, 1000000000000).shape() == Shape{2, 0});
  CHECK(bits_differ(fovea::diff(x, 0).value(), x) == "");
}

TEST_CASE("tril and triu select: what they drop is 0, and NaN there reaches no gradient") {
  const Array x({2, 3}, {1, missing, 3, 4, 5, inf});
  CHECK(bits_differ(tril(x).value(), Array({2, 3}, {1, 0, 0, 4, 5, 0})) == "");
  CHECK(bits_differ(triu(Array({2, 3}, {1, 2, 3, 4, 5, 6}), 1).value(),
                    Array({2, 3}, {0, 2, 3, 0, 0, 6})) == "");
  CHECK(bits_differ(tril(x, -2).value(), Array::zeros({2, 3})) == "");
  CHECK(bits_differ(slope([](const Tensor& t) { return square(tril(t)); }, x),
                    Array({2, 3}, {2, 0, 0, 8, 10, 0})) == "");
}
