// Keeps masked positions from affecting layers and losses that take no mask.
#pragma once

#include <optional>
#include <span>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns whether no element is NaN or infinite.
bool all_finite(std::span<const real> values);

/// Returns whether the axes of the mask are the first axes of the shape.
bool lies_over(const Mask& mask, const Shape& shape);

/// Returns x with 0 at masked positions, or x itself without a mask. The mask lies over the first
/// axes of x. Elements there, NaN included, affect neither values nor gradients. Their own gradient
/// is exactly 0, whatever gradient arrives.
Tensor without_dropped(const Tensor& x, const std::optional<Mask>& mask);

/// Returns a mask (batch, positions) with the last position first.
Mask reversed(const Mask& mask);

/// Returns x itself. Its gradient at masked positions is exactly 0, whatever gradient arrives. The
/// mask lies over the first axes of x.
Tensor select_gradient(const Tensor& x, const Mask& mask);

/// Returns whether an element of x at a masked position is NaN or infinite. A backward pass that
/// sums over positions, as the gradient x^T dy of a weight does, would multiply such an element by
/// a gradient of 0. Returns false for a mask that does not lie over x.
bool drops_nan(const Tensor& x, const Mask& mask);

}}  // namespace fovea
