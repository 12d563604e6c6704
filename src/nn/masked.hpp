// Positions that a mask drops, on their way through layers and losses that know nothing of masks.
#pragma once

#include <optional>
#include <span>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Whether no element is NaN or infinite.
bool all_finite(std::span<const real> values);

/// Whether the mask lies over the first axes of a shape.
bool lies_over(const Mask& mask, const Shape& shape);

/// x with 0 at the positions that the mask, which lies over x's first axes, drops; x itself without
/// a mask. What stands there reaches neither values nor gradients, not even as NaN: the gradient
/// there is exactly 0, whatever arrives.
Tensor without_dropped(const Tensor& x, const std::optional<Mask>& mask);

/// x itself, whose gradient is exactly 0 at the positions that the mask, which lies over x's first
/// axes, drops, whatever arrives.
Tensor select_gradient(const Tensor& x, const Mask& mask);

/// Whether an element of x is NaN or infinite at a position that the mask drops. A layer that sums
/// over positions in its backward pass, as the gradient x^T dy of a weight does, would multiply it
/// by a gradient of 0. False for a mask that does not lie over x.
bool drops_nan(const Tensor& x, const Mask& mask);

}}  // namespace fovea
