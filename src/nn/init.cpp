#include "fovea/nn/init.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION::init {

Array uniform(const Shape& shape, real low, real high, const Rng& random) {
  Array array(shape);
  for (Index i = 0; i < array.count(); ++i) array.mutable_data()[i] = low + (high - low) * random.uniform(static_cast<std::uint64_t>(i));
  return array;
}

Array glorot_uniform(const Shape& shape, const Rng& random) {
  if (shape.rank() != 2) throw ShapeError(fmt::format("glorot_uniform: the shape is {}; it must be (inputs, outputs)", to_string(shape)));
  const real limit = std::sqrt(real(6) / static_cast<real>(shape[0] + shape[1]));
  return uniform(shape, -limit, limit, random);
}

}  // namespace fovea::init
