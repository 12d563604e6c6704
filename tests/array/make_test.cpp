#include "fovea/array/make.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "fovea/base/error.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

std::vector<double> numbers(const Array& array) {
  return {array.values().begin(), array.values().end()};
}

using Doubles = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

// The mean, and the mean of the squares.
std::pair<double, double> moments(const Array& array) {
  double sum = 0, squares = 0;
  for (const real value : array.values()) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  return {sum / static_cast<double>(array.count()), squares / static_cast<double>(array.count())};
}

}  // namespace

TEST_CASE("zeros, ones, full and the identity") {
  CHECK(numbers(zeros({2})) == Doubles{0, 0});
  CHECK(ones({2, 3}).shape() == Shape{2, 3});
  CHECK(numbers(ones({2})) == Doubles{1, 1});
  CHECK(numbers(full({2}, 2.5)) == Doubles{2.5, 2.5});
  CHECK(numbers(eye(2)) == Doubles{1, 0, 0, 1});
  CHECK(numbers(eye(2, 3)) == Doubles{1, 0, 0, 0, 1, 0});
  CHECK(numbers(eye(3, 2)) == Doubles{1, 0, 0, 1, 0, 0});
  CHECK(eye(0).shape() == Shape{0, 0});
  CHECK_THROWS_AS(eye(-1), ShapeError);
}

TEST_CASE("arange stops before its end, in both directions") {
  CHECK(numbers(arange(4)) == Doubles{0, 1, 2, 3});
  CHECK(numbers(arange(2.5)) == Doubles{0, 1, 2});
  CHECK(numbers(arange(1, 2, 0.25)) == Doubles{1, 1.25, 1.5, 1.75});
  CHECK(numbers(arange(3, 0, -1)) == Doubles{3, 2, 1});
  CHECK(arange(-1).shape() == Shape{0});
  CHECK(arange(0, 1, -1).shape() == Shape{0});
  CHECK(refusal<ValueError>([] { arange(0, 1, 0); }) ==
        "arange: expected a finite step other than 0, got 0");
  CHECK(refusal<ValueError>([] { arange(infinity); }) ==
        "arange: expected finite bounds, got 0 and inf");
  CHECK_THROWS_AS(arange(0, 1e300), ShapeError);
  if (sizeof(real) == 4) CHECK_THROWS_AS(arange(1e300, 1e300 * (1 + 1e-15), 1e290), ValueError);
}

TEST_CASE("linspace has both ends, and all distances are equal") {
  CHECK(numbers(linspace(0, 1, 5)) == Doubles{0, 0.25, 0.5, 0.75, 1});
  CHECK(numbers(linspace(2, 1, 2)) == Doubles{2, 1});
  CHECK(numbers(linspace(2, 3, 1)) == Doubles{2});
  CHECK(linspace(0, 1, 0).shape() == Shape{0});
  CHECK_THROWS_AS(linspace(-1e308, 1e308), ValueError);
  CHECK(linspace(0, 1).count() == 50);
  for (Index trial = 0; trial < 50; ++trial) {
    support::Generate generate("linspace", trial);
    const double low = generate.uniform(-5, 5), high = generate.uniform(-5, 5);
    const Array x = linspace(low, high, generate.integer(2, 99));
    CHECK(x(0) == static_cast<real>(low));
    CHECK(x(x.count() - 1) == static_cast<real>(high));
  }
  CHECK(refusal<ValueError>([] { linspace(0, 1, -1); }) ==
        "linspace: expected a count of at least 0, got -1");
  CHECK_THROWS_AS(linspace(0, std::nan("")), ValueError);
}

TEST_CASE("random arrays are a function of the generator, with the moments of their distribution") {
  const Rng random(support::seed());
  const Array uniform = rand({100, 200}, random), normal = randn({100, 200}, random);
  CHECK(numbers(uniform) == numbers(rand({20000}, random)));
  CHECK(numbers(normal.rows(0, 1)) == numbers(randn({200}, random)));
  CHECK(numbers(normal) != numbers(randn({100, 200}, random.split("other"))));
  CHECK(std::ranges::all_of(uniform.values(), [](real x) { return x >= 0 && x < 1; }));
  CHECK(std::abs(moments(uniform).first - 0.5) < 0.02);
  CHECK(std::abs(moments(uniform).second - 1.0 / 3) < 0.02);
  CHECK(std::abs(moments(normal).first) < 0.05);
  CHECK(std::abs(moments(normal).second - 1) < 0.08);
  CHECK(std::ranges::count_if(normal.values(), [](real x) { return x > 2; }) > 300);
}

TEST_CASE("casts keep what they can and reject the rest") {
  CHECK(numbers(to_array(Ids{3, -1})) == Doubles{3, -1});
  CHECK(numbers(to_array(Mask{1, 0})) == Doubles{1, 0});
  const Ids ids = to_ids(Array{{1, 2}, {-3, 0}});
  CHECK(ids.shape() == Shape{2, 2});
  CHECK(ids(1, 0) == -3);
  CHECK(to_ids(Mask{1, 0, 1})(2) == 1);
  CHECK(to_mask(Array{0.5, 0, -0.0, infinity}).kept() == 2);
  CHECK(to_mask(Ids{0, 5}).kept() == 1);
  CHECK(refusal<ValueError>([] {
          to_ids(Array{1, 1.5});
        }) == "to_ids: the value at position 1 is 1.5, which is no integer; round it first");
  CHECK(refusal<ValueError>([] { to_ids(Array{4294967296.0}); }) ==
        "to_ids: the value at position 0 is 4294967296, which does not fit 32 bits");
  CHECK_THROWS_AS(to_ids(Array{infinity}), ValueError);
  CHECK_THROWS_AS(to_ids(Array{std::nan("")}), ValueError);
  CHECK(refusal<ValueError>([] {
          to_mask(Array{1, std::nan("")});
        }) ==
        "to_mask: the value at position 1 is nan, which neither keeps nor drops; replace it by 0 "
        "or 1");
  if (sizeof(real) == 4)
    CHECK(refusal<ValueError>([] { to_array(Ids{16777217}); }) ==
          "to_array: the value at position 0 is 16777217, which a float does not hold exactly; "
          "pass it as a double to round it");
}
