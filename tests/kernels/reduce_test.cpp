#include "kernels/reduce.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::AlongAxis;
using support::Generate;
using support::Plain;

namespace {

// Small axes of every tail, and axes of several blocks (4096 numbers, or 16 to 256 rows of
// neighbours).
AlongAxis draw_axis(Generate& g) {
  if (!g.large()) return {g.integer(0, 4), g.integer(1, 70), g.chance(0.4) ? 1 : g.integer(0, 40)};
  const std::vector<AlongAxis> large = {{3, 40000, 1}, {1, 4097, 1},  {2, 12289, 1}, {40000, 3, 1},
                                        {2, 9001, 5},  {1, 257, 300}, {300, 17, 20}, {1, 40, 9000}};
  return large[static_cast<std::size_t>(g.trial()) % large.size()];
}

void for_each_axis(
    const char* name,
    const std::function<void(Generate&, AlongAxis, const Shape& x, const Shape& y)>& check) {
  for (const auto scale : {support::Scale::small, support::Scale::large})
    for (Index trial = 0; trial < (scale == support::Scale::small ? 200 : 16); ++trial) {
      Generate g(name, trial, scale);
      const AlongAxis axis = draw_axis(g);
      INFO("outer ", axis.outer, ", length ", axis.length, ", inner ", axis.inner, ", trial ",
           trial, ", FOVEA_SEED=", support::seed());
      check(g, axis, Shape{axis.outer, axis.length, axis.inner}, Shape{axis.outer, axis.inner});
    }
}

}  // namespace

TEST_CASE("sums agree with plain loops, and are added where asked to") {
  for_each_axis("sum", [](Generate& g, AlongAxis axis, const Shape& x_shape, const Shape& y_shape) {
    const Array x = g.array(x_shape, {-1, 2}), old = g.array(y_shape, {-1, 1});
    Plain expected = support::plain::sum(Plain(x), {1}, false);
    Array y(y_shape), added = old.clone();
    kernels::sum(x.data(), axis, y.mutable_data(), false);
    kernels::sum(x.data(), axis, added.mutable_data(), true);
    CHECK(support::differs(y, expected, 4) == "");
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      expected.values[i] += old.data()[i];
      expected.scales[i] += std::abs(old.data()[i]);
    }
    CHECK(support::differs(added, expected, 4) == "");
  });
}

TEST_CASE("a sum of rows that are made on the way makes each once, and has the bits of the sum") {
  for_each_axis("sum_as_made", [](Generate& g, AlongAxis axis, const Shape& shape, const Shape&) {
    const Index rows = axis.outer * axis.length;
    const Array x = g.array(shape, {-1, 2});
    Array made = Array::full(shape, -7), y(Shape{axis.inner}), expected(Shape{axis.inner});
    std::vector<std::atomic<int>> times(static_cast<std::size_t>(rows));
    const auto make = [&, to = made.mutable_data()](Index first, Index count) {
      for (Index row = first; row < first + count; ++row) ++times[static_cast<std::size_t>(row)];
      std::copy_n(x.data() + first * axis.inner, count * axis.inner, to + first * axis.inner);
    };
    kernels::sum_as_made(make, made.data(), rows, axis.inner, y.mutable_data());
    kernels::sum(x.data(), {1, rows, axis.inner}, expected.mutable_data(), false);
    CHECK(support::bits_differ(y, expected) == "");
    if (axis.inner == 0) return;
    CHECK(support::bits_differ(made, x) == "");
    CHECK(std::ranges::all_of(times, [](int count) { return count == 1; }));
  });
}

TEST_CASE("the sum along an empty axis is 0") {
  const Array x({2, 0, 3}, {});
  Array y = Array::full({2, 3}, 7);
  kernels::sum(x.data(), {2, 0, 3}, y.mutable_data(), true);
  CHECK(support::bits_differ(y, Array::full({2, 3}, 7)) == "");
  kernels::sum(x.data(), {2, 0, 3}, y.mutable_data(), false);
  CHECK(support::bits_differ(y, Array::zeros({2, 3})) == "");
}

TEST_CASE("the error of a long sum grows with the logarithm of its length, not with the length") {
  const Index n = Index(1) << 22;
  const Array x = Array::full({n}, real(0.1));
  Array y(Shape{1});
  kernels::sum(x.data(), {1, n, 1}, y.mutable_data(), false);
  // One after the other, the rounding errors of equal numbers add up: float32 would be off by
  // hundreds of thousands of epsilons.
  Plain expected(y.shape());
  expected.values[0] = static_cast<support::wide>(n) * x.data()[0];  // exact: n is a power of two
  CHECK(support::differs(y, expected, 16) == "");
}

TEST_CASE("maxima are equal to those of plain loops, and their gradient is shared among equals") {
  for_each_axis(
      "maximum", [](Generate& g, AlongAxis axis, const Shape& x_shape, const Shape& y_shape) {
        Array x(x_shape);
        for (real& value : x.mutable_values())
          value = static_cast<real>(g.integer(-4, 4));  // many equals
        const Array dy = g.array(y_shape, {-1, 1});
        Array y(y_shape), dx(x_shape), added = Array::full(x_shape, 1), expected_dx(x_shape);
        kernels::maximum(x.data(), axis, y.mutable_data());
        CHECK(support::differs(y, support::plain::max(Plain(x), {1}, false), 0) == "");
        kernels::extreme_slopes(dy.data(), x.data(), y.data(), axis, dx.mutable_data(), false);
        kernels::extreme_slopes(dy.data(), x.data(), y.data(), axis, added.mutable_data(), true);
        for (Index o = 0; o < axis.outer; ++o)
          for (Index i = 0; i < axis.inner; ++i) {
            const auto at = [&](Index k) { return (o * axis.length + k) * axis.inner + i; };
            Index equals = 0;
            for (Index k = 0; k < axis.length; ++k)
              equals += x.data()[at(k)] == y.data()[o * axis.inner + i];
            for (Index k = 0; k < axis.length; ++k)
              expected_dx.mutable_data()[at(k)] =
                  x.data()[at(k)] == y.data()[o * axis.inner + i]
                      ? dy.data()[o * axis.inner + i] / static_cast<real>(equals)
                      : real(0);
          }
        CHECK(support::bits_differ(dx, expected_dx) == "");
        for (real& value : expected_dx.mutable_values()) value += 1;
        CHECK(support::bits_differ(added, expected_dx) == "");
      });
}

TEST_CASE("a NaN anywhere is the maximum, and -infinity is a maximum like another") {
  for (const AlongAxis axis :
       {AlongAxis{1, 1, 1}, {1, 37, 1}, {2, 70, 1}, {1, 9000, 1}, {1, 5, 40}, {1, 300, 3}}) {
    const Index count = axis.outer * axis.length * axis.inner;
    for (Index place = 0; place < count; place += std::max<Index>(1, count / 97)) {
      INFO("outer ", axis.outer, ", length ", axis.length, ", inner ", axis.inner, ", NaN at ",
           place);
      Array x = Array::full({count}, -std::numeric_limits<real>::infinity()),
            y(Shape{axis.outer, axis.inner});
      x.mutable_data()[place] = std::numeric_limits<real>::quiet_NaN();
      kernels::maximum(x.data(), axis, y.mutable_data());
      const Index hit = place / (axis.length * axis.inner) * axis.inner + place % axis.inner;
      for (Index i = 0; i < y.count(); ++i) {
        const real expected = i == hit ? std::numeric_limits<real>::quiet_NaN()
                                       : -std::numeric_limits<real>::infinity();
        CHECK((std::isnan(expected) ? std::isnan(y.data()[i]) : y.data()[i] == expected));
      }
    }
  }
}
