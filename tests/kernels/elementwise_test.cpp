#include "kernels/elementwise.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

constexpr Index past_the_end = 7;

// Kernels that count the calls' lengths instead of being fast: the loops around kernels are what is
// tested here.
std::atomic<const real*> asked_for = nullptr;  // the end of what a loop over x asks for ahead

void twice(const real* x, real* y, Index n, Index left, kernels::Scalars scalars) {
  if (left > 0) asked_for = x + left;
  for (Index i = 0; i < n; ++i) y[i] = 2 * x[i] + scalars.a;
}

std::atomic<const real*> slopes_asked_for = nullptr;

void slope_of_twice(const real* dy, const real*, real* dx, Index n, Index left, bool add,
                    kernels::Scalars) {
  if (left > 0) slopes_asked_for = dy + left;
  for (Index i = 0; i < n; ++i) dx[i] = (add ? dx[i] : 0) + 2 * dy[i];
}

void hundreds(const real* a, Index stride_a, const real* b, Index stride_b, real* c, Index n) {
  for (Index i = 0; i < n; ++i) c[i] = 100 * a[i * stride_a] + b[i * stride_b];
}

void slope_of_hundreds(const real* dc, const real* a, Index stride_a, const real* b, Index stride_b,
                       real* d, Index n) {
  for (Index i = 0; i < n; ++i) d[i] = dc[i] + 10 * a[i * stride_a] + b[i * stride_b];
}

// Small whole numbers, with which all arithmetic here is exact.
Array whole_numbers(const Shape& shape, Generate& g) {
  Array result(shape);
  for (real& value : result.mutable_values()) value = static_cast<real>(g.integer(-9, 9));
  return result;
}

}  // namespace

TEST_CASE("a row is added to each row, and then the kernel applied, whichever there is") {
  const kernels::UnaryKernel kernel{twice, slope_of_twice, true};
  Generate g("add_row_and_map", 0);
  struct Sizes {
    Index rows, width;
  };
  for (const Sizes& sizes :
       std::vector<Sizes>{{0, 3}, {3, 0}, {1, 1}, {5, 17}, {40000, 1}, {300, 257}, {2, 40000}})
    for (int with = 0; with < 4; ++with) {
      const Index rows = sizes.rows, width = sizes.width;
      INFO(rows, " rows of ", width, ", kernel ", with % 2, ", row ", with / 2);
      const Array b = whole_numbers({width}, g);
      Array y = whole_numbers({rows * width + past_the_end}, g), expected = y.clone();
      for (Index i = 0; i < rows * width; ++i) {
        real& value = expected.mutable_data()[i];
        if (with / 2) value += b.data()[i % width];
        if (with % 2) value *= 2;
      }
      kernels::add_row_and_map(with % 2 ? &kernel : nullptr, with / 2 ? b.data() : nullptr,
                               y.mutable_data(), rows, width);
      CHECK(bits_differ(y, expected) == "");
    }
}

TEST_CASE("map calls its kernel for each element once, in pieces of any length") {
  const kernels::UnaryKernel kernel{twice, slope_of_twice, false};
  Generate g("map", 0);
  for (const Index n : {0, 1, 31, 32767, 32768, 32769, 100001, 300001}) {
    INFO(n, " elements");
    const Array x = whole_numbers({n}, g);
    Array y = Array::full({n + past_the_end}, -1), dx = Array::full({n + past_the_end}, 5);
    kernels::map_values(kernel, x.data(), y.mutable_data(), n, {.a = 3});
    kernels::map_slopes(kernel, x.data(), x.data(), dx.mutable_data(), n, true, {});
    Array expected_y = Array::full({n + past_the_end}, -1),
          expected_dx = Array::full({n + past_the_end}, 5);
    for (Index i = 0; i < n; ++i) {
      expected_y.mutable_data()[i] = 2 * x.data()[i] + 3;
      expected_dx.mutable_data()[i] = 5 + 2 * x.data()[i];
    }
    CHECK(bits_differ(y, expected_y) == "");
    CHECK(bits_differ(dx, expected_dx) == "");
    CHECK(asked_for == (n < 300000 ? nullptr : x.data() + n));
    CHECK(slopes_asked_for == (n < 300000 ? nullptr : x.data() + n));
  }
}

TEST_CASE("scale and copy work on every length of tail, and add where asked to") {
  Generate g("tails", 0);
  for (Index n = 0; n < 70; ++n) {
    INFO(n, " elements");
    const Array x = whole_numbers({n}, g), old = whole_numbers({n + past_the_end}, g);
    for (const bool add : {false, true}) {
      Array scaled = old.clone(), copied = old.clone(), repeated = old.clone();
      kernels::scale(x.data(), 3, scaled.mutable_data(), n, add);
      kernels::copy(x.view(), {copied.mutable_data(), Shape{n}, dense_strides(Shape{n})}, add);
      kernels::copy(Array::full({1}, 4).view(),
                    {repeated.mutable_data(), Shape{n}, dense_strides(Shape{n})}, add);
      Array expected_scaled = old.clone(), expected_copied = old.clone(),
            expected_repeated = old.clone();
      for (Index i = 0; i < n; ++i) {
        const real before = add ? old.data()[i] : real(0);
        expected_scaled.mutable_data()[i] = before + 3 * x.data()[i];
        expected_copied.mutable_data()[i] = before + x.data()[i];
        expected_repeated.mutable_data()[i] = before + 4;
      }
      CHECK(bits_differ(scaled, expected_scaled) == "");
      CHECK(bits_differ(copied, expected_copied) == "");
      CHECK(bits_differ(repeated, expected_repeated) == "");
    }
  }
}

TEST_CASE("zip and copy broadcast as plain loops do, small and cut into pieces") {
  const kernels::BinaryKernel kernel{hundreds, slope_of_hundreds, slope_of_hundreds};
  for (const auto scale : {support::Scale::small, support::Scale::large})
    for (Index trial = 0; trial < (scale == support::Scale::small ? 200 : 20); ++trial) {
      Generate g("zip", trial, scale);
      const Shape shape = g.shape(0, 5);
      const Array a = whole_numbers(g.broadcastable(shape), g),
                  b = whole_numbers(g.broadcastable(shape), g), dc = whole_numbers(shape, g);
      INFO(to_string(a.shape()), " with ", to_string(b.shape()), " to ", to_string(shape),
           ", trial ", trial, ", FOVEA_SEED=", support::seed());
      Array c(shape), d(shape), copied(shape), expected_c(shape), expected_d(shape),
          expected_copied(shape);
      kernels::zip_values(kernel, a.view(), b.view(), c.mutable_view());
      kernels::zip_slopes(kernel.slopes_a, dc.view(), a.view(), b.view(), d.mutable_view());
      kernels::copy(a.view(), copied.mutable_view(), false);
      for (Index i = 0; i < shape.count(); ++i) {
        const support::Position place = support::position(shape, i);
        const real from_a = a.data()[support::number(a.shape(), place)],
                   from_b = b.data()[support::number(b.shape(), place)];
        expected_c.mutable_data()[i] = 100 * from_a + from_b;
        expected_d.mutable_data()[i] = dc.data()[i] + 10 * from_a + from_b;
        expected_copied.mutable_data()[i] = from_a;
      }
      CHECK(bits_differ(c, expected_c) == "");
      CHECK(bits_differ(d, expected_d) == "");
      CHECK(bits_differ(copied, expected_copied) == "");
    }
}
