// Linear maps of windows that slide. Channels are last, as in Keras.
#pragma once

#include <array>

#include "fovea/nn/dense.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = activation(conv1d(x, kernel) + bias): x (batch, time, channels) -> (batch, windows,
/// filters). Keras' Conv1D: glorot_uniform, zeros. A mask would be lost: windows mix positions.
struct Conv1D {
  Index filters;                               ///< channels of the result
  Index size;                                  ///< of a window
  Conv1DOptions options = {};                  ///< stride, padding, dilation
  Activation activation = Activation::linear;  ///< applied to the result
  bool use_bias = true;                        ///< whether there is a bias
  Tensor kernel = {};                          ///< (size, channels, filters)
  Tensor bias = {};                            ///< (filters)

  /// sample: (time, channels) -> (windows, filters). Throws ValueError for sizes below 1,
  /// ShapeError for a sample that does not fit.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// The result before the activation.
  Tensor linear(const Tensor& x) const;

  /// kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

/// y = activation(conv2d(x, kernel) + bias): x (batch, rows, columns, channels) -> (batch, windows,
/// windows, filters). Keras' Conv2D.
struct Conv2D {
  Index filters;                               ///< channels of the result
  std::array<Index, 2> size;                   ///< of a window
  Conv2DOptions options = {};                  ///< stride, padding, dilation
  Activation activation = Activation::linear;  ///< applied to the result
  bool use_bias = true;                        ///< whether there is a bias
  Tensor kernel = {};                          ///< (height, width, channels, filters)
  Tensor bias = {};                            ///< (filters)

  /// sample: (rows, columns, channels) -> (windows, windows, filters). Throws ValueError for sizes
  /// below 1, ShapeError for a sample that does not fit.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// The result before the activation.
  Tensor linear(const Tensor& x) const;

  /// kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
