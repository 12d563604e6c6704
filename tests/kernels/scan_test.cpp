// Sums and products one after the other, against plain loops in long double.
#include "kernels/scan.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::AlongAxis;
using support::Generate;
using support::Plain;
using support::wide;

TEST_CASE("cumulative_sum adds up along the axis, from either end") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("cumulative sum kernel", trial);
    const AlongAxis axis{g.integer(0, 3), g.integer(0, 50), g.integer(1, 20)};
    const bool from_the_end = trial % 2 == 0;
    const Shape shape{axis.outer, axis.length, axis.inner};
    const Array x = g.array(shape, {-2, 2});
    Plain expected(shape);
    expected.scales.resize(expected.values.size());
    for (Index o = 0; o < axis.outer; ++o)
      for (Index i = 0; i < axis.inner; ++i) {
        wide sum = 0, magnitude = 0;
        for (Index step = 0; step < axis.length; ++step) {
          const Index t = from_the_end ? axis.length - 1 - step : step;
          const auto at = static_cast<std::size_t>((o * axis.length + t) * axis.inner + i);
          sum += wide(x.data()[at]);
          magnitude += std::abs(wide(x.data()[at]));
          expected.values[at] = sum;
          expected.scales[at] = magnitude;
        }
      }
    Array y(shape), added = Array::full(shape, 1);
    kernels::cumulative_sum(x.data(), axis, from_the_end, y.mutable_data(), false);
    kernels::cumulative_sum(x.data(), axis, from_the_end, added.mutable_data(), true);
    CHECK(support::differs(y, expected, 64) == "");
    for (Index i = 0; i < y.count(); ++i) CHECK(added.at(i) == doctest::Approx(1 + y.at(i)));
  }
}

TEST_CASE("product multiplies each row, and its slopes are the products of the others") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("product kernel", trial);
    const Index rows = g.integer(0, 5), length = g.integer(0, 12);
    Array x = g.array(Shape{rows, length}, {-1.5, 1.5});
    for (real& value : x.mutable_values())
      if (g.chance(0.1)) value = 0;
    const Array dy = g.array(Shape{rows}, {-1, 1});
    Plain expected(Shape{rows}), slopes(x.shape());
    for (Index r = 0; r < rows; ++r) {
      wide whole = 1;
      for (Index i = 0; i < length; ++i) whole *= wide(x.at(r * length + i));
      expected.values[static_cast<std::size_t>(r)] = whole;
      for (Index i = 0; i < length; ++i) {
        wide others = wide(dy.at(r));
        for (Index k = 0; k < length; ++k)
          if (k != i) others *= wide(x.at(r * length + k));
        slopes.values[static_cast<std::size_t>(r * length + i)] = others;
      }
    }
    Array y(Shape{rows}), dx(x.shape()), added = Array::full(x.shape(), 1);
    kernels::product(x.data(), rows, length, y.mutable_data());
    kernels::product_slopes(dy.data(), x.data(), rows, length, dx.mutable_data(), false);
    kernels::product_slopes(dy.data(), x.data(), rows, length, added.mutable_data(), true);
    CHECK(support::differs(y, expected, 16) == "");
    CHECK(support::differs(dx, slopes, 16) == "");
    for (Index i = 0; i < dx.count(); ++i) CHECK(added.at(i) == 1 + dx.at(i));
  }
}
