// Initial weights, as Keras draws them. Element i is random.uniform(i), scaled.
#pragma once

#include "fovea/array/array.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace init {

/// Uniform in [low, high).
Array uniform(const Shape& shape, real low, real high, const Rng& random);

/// Uniform in +-sqrt(6 / (inputs + outputs)): Glorot and Bengio, "Understanding the difficulty of
/// training deep feedforward neural networks" (2010). shape: (inputs, outputs), or (window...,
/// inputs, outputs), where both count once for each place in the window.
Array glorot_uniform(const Shape& shape, const Rng& random);

/// A matrix whose rows, or columns if there are fewer of them, are of length 1 and at right angles:
/// Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks" (2013).
Array orthogonal(const Shape& shape, const Rng& random);

}}}  // namespace fovea::init
