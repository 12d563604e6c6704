// Windows that slide over two axes, against plain loops over their elements.
#include "kernels/windows.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::Slide;
using kernels::Windows;
using support::Generate;
using support::Plain;
using support::wide;

namespace {

Slide slide(Generate& g) {
  Slide s{};
  s.in = g.integer(1, 9);
  s.size = g.integer(1, 4);
  s.stride = g.integer(1, 3);
  s.dilation = g.integer(1, 2);
  s.before = g.integer(0, (s.size - 1) * s.dilation);
  s.out = g.integer(1, 1 + (s.in - 1) / s.stride);
  return s;
}

Windows drawn(Generate& g) { return {g.integer(1, 3), g.integer(1, 20), slide(g), slide(g)}; }

Shape input(const Windows& w) { return {w.batch, w.rows.in, w.columns.in, w.channels}; }
Shape output(const Windows& w) { return {w.batch, w.rows.out, w.columns.out, w.channels}; }

// Calls each(window, number of the element in it, element of x or -1 in the padding) for all
// elements of all windows; a window is one of a channel.
void for_each(const Windows& w, const std::function<void(Index, Index, Index)>& each) {
  for (Index b = 0; b < w.batch; ++b)
    for (Index r = 0; r < w.rows.out; ++r)
      for (Index c = 0; c < w.columns.out; ++c)
        for (Index i = 0; i < w.rows.size; ++i)
          for (Index k = 0; k < w.columns.size; ++k)
            for (Index channel = 0; channel < w.channels; ++channel) {
              const Index row = r * w.rows.stride + i * w.rows.dilation - w.rows.before,
                          column = c * w.columns.stride + k * w.columns.dilation - w.columns.before;
              const bool inside =
                  row >= 0 && row < w.rows.in && column >= 0 && column < w.columns.in;
              each(((b * w.rows.out + r) * w.columns.out + c) * w.channels + channel,
                   i * w.columns.size + k,
                   inside ? ((b * w.rows.in + row) * w.columns.in + column) * w.channels + channel
                          : -1);
            }
}

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

TEST_CASE(
    "gather_windows reads each element of each window, 0 in the padding, and add_windows puts "
    "it back") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("gather windows kernel", trial);
    const Windows w = drawn(g);
    const Index elements = w.rows.size * w.columns.size;
    const Array x = g.array(input(w), {-2, 2});
    const Shape shape{output(w).count() / w.channels, elements, w.channels};
    const Array dm = g.array(shape, {-1, 1});
    Array matrix(shape), expected = Array::zeros(shape), dx(x.shape()),
                         added = Array::full(x.shape(), 1);
    Plain sums(x.shape());
    sums.scales.resize(sums.values.size());
    for_each(w, [&](Index window, Index element, Index from) {
      const Index to =
          (window / w.channels * elements + element) * w.channels + window % w.channels;
      if (from < 0) return;
      expected.mutable_data()[to] = x.at(from);
      sums.values[at(from)] += wide(dm.at(to));
      sums.scales[at(from)] += std::abs(wide(dm.at(to)));
    });
    kernels::gather_windows(w, x.data(), matrix.mutable_data());
    kernels::add_windows(w, dm.data(), dx.mutable_data(), false);
    kernels::add_windows(w, dm.data(), added.mutable_data(), true);
    CHECK(support::bits_differ(matrix, expected) == "");
    CHECK(support::differs(dx, sums, 16) == "");
    for (Index i = 0; i < dx.count(); ++i) CHECK(added.at(i) == doctest::Approx(1 + dx.at(i)));
  }
}

TEST_CASE("max_windows finds the first of the largest, and its slopes go there") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("max windows kernel", trial);
    Windows w = drawn(g);
    w.rows.before = w.columns.before = 0;  // each window has its first element
    Array x(input(w));
    for (real& value : x.mutable_values()) value = static_cast<real>(g.integer(-3, 3));
    const Array dy = g.array(output(w), {-1, 1});
    Array y(output(w)), best = Array::full(output(w), -std::numeric_limits<real>::infinity());
    std::vector<Index> where(at(y.count()), -1);
    for_each(w, [&](Index window, Index, Index from) {
      if (from < 0 || x.at(from) <= best.at(window)) return;
      best.mutable_data()[window] = x.at(from);
      where[at(window)] = from;
    });
    std::vector<std::int32_t> places(at(y.count()));
    CHECK(!kernels::max_windows(w, x.data(), y.mutable_data(), places.data()));
    CHECK(support::bits_differ(y, best) == "");
    Plain sums(x.shape());
    sums.scales.resize(sums.values.size());
    for (Index i = 0; i < y.count(); ++i) {
      sums.values[at(where[at(i)])] += wide(dy.at(i));
      sums.scales[at(where[at(i)])] += std::abs(wide(dy.at(i)));
    }
    Array dx(x.shape());
    kernels::max_windows_slopes(w, dy.data(), places.data(), false, dx.mutable_data(), false);
    CHECK(support::differs(dx, sums, 16) == "");
  }
}

TEST_CASE("mean_windows leaves padding out of the count") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("mean windows kernel", trial);
    Windows w = drawn(g);
    w.rows.before = w.columns.before = 0;
    const Array x = g.array(input(w), {-2, 2}), dy = g.array(output(w), {-1, 1});
    std::vector<Index> counts(at(dy.count()));
    for_each(w, [&](Index window, Index, Index from) { counts[at(window)] += from >= 0; });
    Plain means(output(w)), sums(x.shape());
    means.scales.resize(means.values.size());
    sums.scales.resize(sums.values.size());
    for_each(w, [&](Index window, Index, Index from) {
      if (from < 0) return;
      const wide n = static_cast<wide>(counts[at(window)]);
      means.values[at(window)] += wide(x.at(from)) / n;
      means.scales[at(window)] += std::abs(wide(x.at(from)));
      sums.values[at(from)] += wide(dy.at(window)) / n;
      sums.scales[at(from)] += std::abs(wide(dy.at(window)));
    });
    Array y(output(w)), dx(x.shape());
    kernels::mean_windows(w, x.data(), y.mutable_data());
    kernels::mean_windows_slopes(w, dy.data(), dx.mutable_data(), false);
    CHECK(support::differs(y, means, 16) == "");
    CHECK(support::differs(dx, sums, 16) == "");
  }
}
