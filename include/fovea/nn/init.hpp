// Initial weights, as Keras draws them. Element i is random.uniform(i), scaled.
#pragma once

#include "fovea/array/array.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace init {

/// Returns values drawn uniformly from [low, high).
Array uniform(const Shape& shape, real low, real high, const Rng& random);

/// Returns values drawn from a normal distribution. Throws ValueError unless stddev is finite and
/// at least 0.
Array normal(const Shape& shape, real mean, real stddev, const Rng& random);

/// The same, of which values more than two stddev from the mean are drawn again. Their standard
/// deviation is 0.88 stddev.
Array truncated_normal(const Shape& shape, real mean, real stddev, const Rng& random);

/// Returns values drawn uniformly from +-sqrt(6 / (inputs + outputs)). The shape is (inputs,
/// outputs), or (window..., inputs, outputs), where both count once for each place in the window.
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
/// (2010).
Array glorot_uniform(const Shape& shape, const Rng& random);

/// Returns values of variance 2 / (inputs + outputs), drawn by truncated_normal. Glorot and Bengio
/// (2010), as glorot_uniform.
Array glorot_normal(const Shape& shape, const Rng& random);

/// Returns values drawn uniformly from +-sqrt(6 / inputs), for layers that end in relu. He et al.,
/// "Delving deep into rectifiers" (2015).
Array he_uniform(const Shape& shape, const Rng& random);

/// Returns values of variance 2 / inputs, drawn by truncated_normal. He et al. (2015).
Array he_normal(const Shape& shape, const Rng& random);

/// Returns a matrix whose rows, or columns if there are fewer of them, have length 1 and are
/// orthogonal. Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning
/// in deep linear neural networks" (2013).
Array orthogonal(const Shape& shape, const Rng& random);

}}}  // namespace fovea::init
