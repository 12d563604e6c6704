// The kernels' own terms: adding, extreme inputs, and rows side by side. Values and masks:
// ops/every_op_test.cpp, ops/masks_test.cpp.
#include "kernels/softmax.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::AlongAxis;
using support::Generate;

namespace {

const real inf = std::numeric_limits<real>::infinity(),
           missing = std::numeric_limits<real>::quiet_NaN();

Array softmax_of(const Array& x, AlongAxis axis) {
  Array y(x.shape());
  kernels::softmax(x.data(), nullptr, axis, y.mutable_data());
  return y;
}

// Whether `added` is 1 + `written`, bit for bit.
std::string one_more(const Array& added, const Array& written) {
  Array expected = written.clone();
  for (real& value : expected.mutable_values()) value = 1 + value;
  return support::bits_differ(added, expected);
}

}  // namespace

TEST_CASE("slopes are added where asked to, for rows of every tail") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("slopes", trial);
    const AlongAxis axis{g.integer(0, 3), g.integer(1, 70), trial % 2 == 0 ? 1 : g.integer(1, 40)};
    const Shape shape{axis.outer, axis.length, axis.inner};
    INFO("outer ", axis.outer, ", length ", axis.length, ", inner ", axis.inner, ", trial ", trial,
         ", FOVEA_SEED=", support::seed());
    const Array x = g.array(shape, {-3, 3}), dy = g.array(shape, {-1, 1}), y = softmax_of(x, axis);
    const Mask mask = g.mask(shape, 0.7);
    for (const auto kernel : {kernels::softmax_slopes, kernels::log_softmax_slopes})
      for (const std::uint8_t* keep :
           {static_cast<const std::uint8_t*>(nullptr), mask.keep().data()}) {
        Array written(shape), added = Array::full(shape, 1);
        kernel(dy.data(), y.data(), keep, axis, written.mutable_data(), false);
        kernel(dy.data(), y.data(), keep, axis, added.mutable_data(), true);
        CHECK(one_more(added, written) == "");
      }
  }
}

TEST_CASE(
    "cross-entropy slopes are softmax less one at the label, times what comes in, and are added "
    "where asked to") {
  for (Index trial = 0; trial < 50; ++trial) {
    Generate g("cross-entropy", trial);
    const Index rows = g.integer(0, 5), classes = trial % 10 == 9 ? 20000 : g.integer(1, 70);
    INFO(rows, " rows of ", classes, " classes, trial ", trial, ", FOVEA_SEED=", support::seed());
    const Array z = g.array({rows, classes}, {-3, 3}), dloss = g.array({rows}, {-1, 1});
    const Ids labels = g.ids({rows}, classes);
    Array loss(Shape{rows}), log_sum(Shape{rows}), dz(z.shape()), added = Array::full(z.shape(), 1);
    kernels::cross_entropy(z.data(), {labels.data()}, rows, classes, loss.mutable_data(),
                           log_sum.mutable_data());
    kernels::cross_entropy_slopes(dloss.data(), {z.data(), log_sum.data(), rows, classes},
                                  {labels.data()}, dz.mutable_data(), false);
    kernels::cross_entropy_slopes(dloss.data(), {z.data(), log_sum.data(), rows, classes},
                                  {labels.data()}, added.mutable_data(), true);
    support::Plain expected = support::plain::softmax(support::Plain(z), 1, {});
    support::Plain expected_added = expected;
    for (Index i = 0; i < z.count(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const auto d = static_cast<support::wide>(dloss.data()[i / classes]);
      expected.scales[at] = std::abs(d) * (4 + 8 * expected.values[at]);
      expected.values[at] = d * (expected.values[at] - (i % classes == labels.at(i / classes)));
      expected_added.values[at] = 1 + expected.values[at];
      expected_added.scales[at] = 2 + expected.scales[at];
    }
    CHECK(support::differs(dz, expected, 4) == "");
    CHECK(support::differs(added, expected_added, 4) == "");
  }
}

TEST_CASE(
    "along any axis, softmax of huge numbers is finite, of a row with a NaN is NaN, and other rows "
    "are left alone") {
  for (const bool last : {true, false}) {
    const AlongAxis axis = last ? AlongAxis{3, 20, 1} : AlongAxis{1, 20, 3};
    const auto at = [&](Index row, Index k) { return last ? row * 20 + k : k * 3 + row; };
    Array x = Array::zeros({60});
    for (Index k = 0; k < 20; ++k)
      x.mutable_data()[at(0, k)] = static_cast<real>(k % 2 == 0 ? 1e30 : -1e30);
    x.mutable_data()[at(1, 13)] = missing;
    const Array y = softmax_of(x, axis);
    INFO("along the last axis: ", last);
    for (Index k = 0; k < 20; ++k) {
      CHECK(y.data()[at(0, k)] == doctest::Approx(k % 2 == 0 ? 0.1 : 0));
      CHECK(std::isnan(y.data()[at(1, k)]));
      CHECK(y.data()[at(2, k)] == doctest::Approx(0.05));
    }
  }
}

TEST_CASE("an element of -infinity has weight 0") {
  const Array y = softmax_of(Array({3}, {-inf, 1, 1}), {1, 3, 1});
  CHECK(y.at(0) == 0);
  CHECK(y.at(1) == real(0.5));
}
