// Modules without parameters that act on what flows through.
#pragma once

#include <optional>

#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// While training, sets each number to 0 with probability `rate` and divides the others by 1 -
/// rate; otherwise the identity. Which ones is a function of what it was built with, seed, layer
/// path, step, sample and position.
struct Dropout {
  real rate;  ///< 0 to 1
  std::optional<std::uint64_t> stream =
      {};  ///< tells its draws from those of others: exists once built

  Shape build(const Shape& sample,
              const Rng& random);  ///< throws ValueError for a rate out of range

  /// The identity unless context.training. Throws StateError before it is built, and without a step
  /// in the context.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }  ///< positions stay positions
};

/// Says that the mask is not needed from here on: padding then counts like everything else.
struct DropMask {
  Tensor operator()(const Tensor& x, const Context& context = {}) const;  ///< x

  static constexpr MaskFlow mask_flow() {
    return MaskFlow::ends;
  }  ///< no layer behind it sees the mask
};

}}  // namespace fovea
