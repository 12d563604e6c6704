// Weights as attention makes them: rows that sum to 1, some positions masked, some rows of nothing.
#pragma once

#include "support/generate.hpp"

namespace drawn {

using namespace fovea;

/// Draws weights of a shape whose last axis is time.
inline Array weights_like(support::Generate& generate, const Shape& shape) {
  Array weights = Array::zeros(shape);
  const Index time = shape[-1], rows = shape.without(-1).count();
  for (Index row = 0; row < rows; ++row) {
    if (generate.chance(0.1)) continue;
    const double kept = generate.uniform(0.2, 1);
    std::vector<double> values(static_cast<std::size_t>(time));
    double sum = 0;
    for (double& value : values) {
      value = generate.chance(kept) ? generate.chance(0.2) ? 0.5 : generate.uniform(0, 1) : 0;
      sum += value;
    }
    for (Index j = 0; j < time; ++j)
      if (sum > 0)
        weights.mutable_data()[row * time + j] =
            static_cast<real>(values[static_cast<std::size_t>(j)] / sum);
  }
  return weights;
}

}  // namespace drawn
