// Initial weights, as Keras draws them. Element i is random.uniform(i), scaled.
#pragma once

#include "fovea/array/array.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace init {

/// Returns values drawn uniformly from [low, high).
Array uniform(const Shape& shape, real low, real high, const Rng& random);

/// Returns values drawn uniformly from +-sqrt(6 / (inputs + outputs)). The shape is (inputs,
/// outputs), or (window..., inputs, outputs), where both count once for each place in the window.
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
/// (2010).
Array glorot_uniform(const Shape& shape, const Rng& random);

/// Returns a matrix whose rows, or columns if there are fewer of them, have length 1 and are
/// orthogonal. Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning
/// in deep linear neural networks" (2013).
Array orthogonal(const Shape& shape, const Rng& random);

}}}  // namespace fovea::init
