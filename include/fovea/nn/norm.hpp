// Normalisation of each position by itself: Ba, Kiros and Hinton, "Layer normalization" (2016);
// Zhang and Sennrich, "Root mean square layer normalization" (2019).
#pragma once

#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta over the last axis. Keras'
/// LayerNormalization: gamma ones, beta zeros.
struct LayerNormalization {
  real epsilon = real(1e-3);  ///< added to the variance
  Tensor gamma = {};          ///< (features)
  Tensor beta = {};           ///< (features)

  /// Returns the shape of the sample, (..., features). Throws ShapeError for another number of
  /// features than the module was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns y, in the shape of x. Throws StateError before the module is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// Visits gamma and beta.
  static void parameters(auto& self, auto&& visit) {
    visit("gamma", self.gamma);
    visit("beta", self.beta);
  }
};

/// y = x / sqrt(mean(x^2) + epsilon) gamma over the last axis. Keras' RMSNormalization: gamma ones.
struct RMSNormalization {
  real epsilon = real(1e-6);  ///< added to the mean square
  Tensor gamma = {};          ///< (features)

  /// Returns the shape of the sample, (..., features). Throws ShapeError for another number of
  /// features than the module was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns y, in the shape of x. Throws StateError before the module is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// Visits gamma.
  static void parameters(auto& self, auto&& visit) { visit("gamma", self.gamma); }
};

}}  // namespace fovea
