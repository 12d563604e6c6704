// A linear map, and what may follow it.
#pragma once

#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = activation(x kernel + bias) for x (batch..., inputs); the result is (batch..., units).
/// Keras' Dense: the kernel starts as glorot_uniform, the bias as zeros.
struct Dense {
  Index units;                                 ///< width of the result
  Activation activation = Activation::linear;  ///< applied to the result
  bool use_bias = true;                        ///< whether there is a bias
  Tensor kernel = {};                          ///< (inputs, units)
  Tensor bias = {};                            ///< (units)

  /// Maps a sample (..., inputs) to (..., units). Throws ValueError unless units is at least 1 (2
  /// for a softmax, which over one unit is always 1), ShapeError when the inputs are not those it
  /// was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built, ShapeError for another number of inputs.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Returns x kernel + bias, before the activation.
  Tensor linear(const Tensor& x) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
