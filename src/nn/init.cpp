#include "fovea/nn/init.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <span>

#include "array/normal.hpp"
#include "fovea/array/make.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace init {

namespace {

// The numbers of inputs and outputs that a weight connects.
struct Fans {
  real inputs, outputs;
};

Fans fans(const char* name, const Shape& shape) {
  if (shape.rank() < 2)
    throw ShapeError(
        fmt::format("{}: the shape is {}; it must be (inputs, outputs)", name, to_string(shape)));
  const Index window = shape.with(-1, 1).with(-2, 1).count();
  return {static_cast<real>(window * shape[-2]), static_cast<real>(window * shape[-1])};
}

// The normal distribution cut off at two standard deviations, and widened to the variance.
Array scaled_normal(const Shape& shape, real variance, const Rng& random) {
  if (shape.count() == 0) return Array(shape);
  constexpr real deviation_when_cut = real(0.87962566103423978);
  return truncated_normal(shape, 0, std::sqrt(variance) / deviation_when_cut, random);
}

void check_deviation(const char* name, real stddev) {
  if (!(stddev >= 0) || !std::isfinite(stddev))
    throw ValueError(
        fmt::format("{}: expected a finite stddev of at least 0, got {}", name, stddev));
}

}  // namespace

Array uniform(const Shape& shape, real low, real high, const Rng& random) {
  Array array = rand(shape, random);
  for (real& value : array.mutable_values()) value = low + (high - low) * value;
  return array;
}

Array normal(const Shape& shape, real mean, real stddev, const Rng& random) {
  check_deviation("normal", stddev);
  Array array = randn(shape, random);
  for (real& value : array.mutable_values()) value = mean + stddev * value;
  return array;
}

// Where the first value of an element is too far away, the next ones of other streams are taken.
Array truncated_normal(const Shape& shape, real mean, real stddev, const Rng& random) {
  check_deviation("truncated_normal", stddev);
  Array array = randn(shape, random);
  const std::span<real> values = array.mutable_values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = static_cast<double>(values[i]);
    for (std::uint64_t draw = 1; std::abs(value) > 2; ++draw)
      array::fill_normal(random.split("truncated_normal", draw), i, std::span(&value, 1));
    values[i] = mean + stddev * static_cast<real>(value);
  }
  return array;
}

Array glorot_uniform(const Shape& shape, const Rng& random) {
  const auto [inputs, outputs] = fans("glorot_uniform", shape);
  const real limit = std::sqrt(real(6) / (inputs + outputs));
  return uniform(shape, -limit, limit, random);
}

Array glorot_normal(const Shape& shape, const Rng& random) {
  const auto [inputs, outputs] = fans("glorot_normal", shape);
  return scaled_normal(shape, real(2) / (inputs + outputs), random);
}

Array he_uniform(const Shape& shape, const Rng& random) {
  const real limit = std::sqrt(real(6) / fans("he_uniform", shape).inputs);
  return uniform(shape, -limit, limit, random);
}

Array he_normal(const Shape& shape, const Rng& random) {
  return scaled_normal(shape, real(2) / fans("he_normal", shape).inputs, random);
}

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
    array::fill_normal(random, v * length, mine);
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
