#include "fovea/nn/init.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/ops/allclose.hpp"
#include "support/refusal.hpp"
#include "support/seed.hpp"

using namespace fovea;
using support::refusal;

namespace {

struct Moments {
  double mean = 0, deviation = 0, farthest = 0;
};

Moments moments(const Array& array) {
  Moments result;
  const auto count = static_cast<double>(array.count());
  for (const real value : array.values()) {
    result.mean += static_cast<double>(value) / count;
    result.farthest = std::max(result.farthest, std::abs(static_cast<double>(value)));
  }
  for (const real value : array.values())
    result.deviation += std::pow(static_cast<double>(value) - result.mean, 2) / count;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

const Rng random_numbers(support::seed());

}  // namespace

TEST_CASE("normal values have their mean and deviation") {
  const Moments x = moments(init::normal({200, 100}, 3, real(0.5), random_numbers));
  CHECK(std::abs(x.mean - 3) < 0.03);
  CHECK(std::abs(x.deviation - 0.5) < 0.02);
  CHECK(x.farthest > 4.2);
  CHECK(refusal<ValueError>([] { init::normal({2}, 0, -1, random_numbers); }) ==
        "normal: expected a finite stddev of at least 0, got -1");
}

TEST_CASE("truncated normal values are drawn again beyond two deviations, and not cut") {
  const Shape shape = {200, 100};
  const Array cut = init::truncated_normal(shape, 0, 2, random_numbers),
              whole = init::normal(shape, 0, 2, random_numbers);
  const Moments x = moments(cut);
  CHECK(std::abs(x.mean) < 0.05);
  CHECK(std::abs(x.deviation - 2 * 0.8796) < 0.04);
  CHECK(x.farthest <= 4);
  CHECK(std::ranges::count(cut.values(), real(4)) < 3);
  for (Index i = 0; i < cut.count(); ++i)
    if (std::abs(whole.at(i)) < 4) CHECK(cut.at(i) == whole.at(i));
  CHECK(allclose(cut.rows(0, 1), init::truncated_normal({1, 100}, 0, 2, random_numbers)));
  CHECK_THROWS_AS(init::truncated_normal({2}, 0, real(std::nan("")), random_numbers), ValueError);
}

TEST_CASE("He's and Glorot's weights have the deviation of their fans, windows included") {
  const Shape dense = {400, 100}, window = {3, 3, 40, 60};
  CHECK(std::abs(moments(init::he_normal(dense, random_numbers)).deviation - std::sqrt(2.0 / 400)) <
        0.002);
  CHECK(std::abs(moments(init::he_normal(window, random_numbers)).deviation -
                 std::sqrt(2.0 / 360)) < 0.002);
  CHECK(std::abs(moments(init::he_uniform(window, random_numbers)).farthest -
                 std::sqrt(6.0 / 360)) < 0.001);
  CHECK(std::abs(moments(init::glorot_normal(dense, random_numbers)).deviation -
                 std::sqrt(2.0 / 500)) < 0.002);
  CHECK(std::abs(moments(init::glorot_uniform(window, random_numbers)).farthest -
                 std::sqrt(6.0 / 900)) < 0.001);
  CHECK(refusal<ShapeError>([] { init::he_normal({4}, random_numbers); }) ==
        "he_normal: the shape is (4,); it must be (inputs, outputs)");
}
