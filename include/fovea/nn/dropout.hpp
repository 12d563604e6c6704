// Modules without parameters that act on what flows through.
#pragma once

#include <optional>

#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// While training, sets each element to 0 with probability `rate` and divides the others by
/// 1 - rate; otherwise the identity. The choice is a function of the stream it was built with, the
/// seed, the layer's path, the step, the sample and the position.
struct Dropout {
  real rate;  ///< 0 to 1
  /// Separates its draws from those of other layers; exists once built.
  std::optional<std::uint64_t> stream = {};

  /// Throws ValueError for a rate out of range.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns x unless context.training. Throws StateError before it is built, and without a step in
  /// the context.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

/// Drops the mask: from here on padding counts like everything else.
struct DropMask {
  /// Returns x.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Ends the mask: no later layer sees it.
  static constexpr MaskFlow mask_flow() { return MaskFlow::ends; }
};

}}  // namespace fovea
