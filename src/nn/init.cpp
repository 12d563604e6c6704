#include "fovea/nn/init.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace init {

Array uniform(const Shape& shape, real low, real high, const Rng& random) {
  Array array(shape);
  random.fill(0, array.mutable_values());
  for (real& value : array.mutable_values()) value = low + (high - low) * value;
  return array;
}

Array glorot_uniform(const Shape& shape, const Rng& random) {
  if (shape.rank() < 2)
    throw ShapeError(fmt::format("glorot_uniform: the shape is {}; it must be (inputs, outputs)",
                                 to_string(shape)));
  const Index window = shape.with(-1, 1).with(-2, 1).count();
  const real limit = std::sqrt(real(6) / static_cast<real>(window * (shape[-2] + shape[-1])));
  return uniform(shape, -limit, limit, random);
}

namespace {

// Draws normal values, each from two uniform values (Box and Muller, 1958).
void fill_normal(const Rng& random, std::size_t first, std::span<double> numbers) {
  std::vector<real> uniform(2 * numbers.size());
  random.fill(2 * first, uniform);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = std::sqrt(-2 * std::log1p(-static_cast<double>(uniform[2 * i]))) *
                 std::cos(2 * std::numbers::pi * static_cast<double>(uniform[2 * i + 1]));
}

}  // namespace

// The Gram-Schmidt process. Each vector is made orthogonal to the earlier ones twice, since the
// first time may leave rounding errors.
Array orthogonal(const Shape& shape, const Rng& random) {
  if (shape.rank() != 2)
    throw ShapeError(
        fmt::format("orthogonal: the shape is {}; it must be (rows, columns)", to_string(shape)));
  const bool wide = shape[1] >= shape[0];
  const auto count = static_cast<std::size_t>(wide ? shape[0] : shape[1]),
             length = static_cast<std::size_t>(wide ? shape[1] : shape[0]);
  Array array(shape);
  const Buffer scratch(array.count() * static_cast<Index>(sizeof(double)));
  const auto vector = [&](std::size_t v) {
    return std::span(scratch.as<double>() + v * length, length);
  };
  for (std::size_t v = 0; v < count; ++v) {
    const std::span<double> mine = vector(v);
    fill_normal(random, v * length, mine);
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t other = 0; other < v; ++other) {
        const std::span<const double> earlier = vector(other);
        const double along = std::inner_product(mine.begin(), mine.end(), earlier.begin(), 0.0);
        for (std::size_t i = 0; i < length; ++i) mine[i] -= along * earlier[i];
      }
    const double norm = std::sqrt(std::inner_product(mine.begin(), mine.end(), mine.begin(), 0.0));
    for (std::size_t i = 0; i < length; ++i) {
      mine[i] /= norm;
      array.mutable_data()[wide ? v * length + i : i * count + v] = static_cast<real>(mine[i]);
    }
  }
  return array;
}

}}}  // namespace fovea::init
