// Linear maps of windows that slide. Channels are last, as in Keras.
#pragma once

#include <array>

#include "fovea/nn/dense.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = activation(conv1d(x, kernel) + bias) for x (batch, time, channels); the result is (batch,
/// windows, filters). Keras' Conv1D: the kernel starts as glorot_uniform, the bias as zeros. Takes
/// no mask: windows mix positions.
///
///     Conv1D{16, 3, {.strides = 2, .padding = Padding::same}}
struct Conv1D {
  Index filters;                               ///< channels of the result
  Index kernel_size;                           ///< elements of a window
  Conv1DOptions options = {};                  ///< strides, padding, dilation_rate
  Activation activation = Activation::linear;  ///< applied to the result
  bool use_bias = true;                        ///< whether there is a bias
  Tensor kernel = {};                          ///< (kernel_size, channels, filters)
  Tensor bias = {};                            ///< (filters)

  /// Maps a sample (time, channels) to (windows, filters). Throws ValueError for sizes below 1,
  /// ShapeError for a sample that does not fit.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Returns the result before the activation.
  Tensor linear(const Tensor& x) const;

  /// kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

/// y = activation(conv2d(x, kernel) + bias) for x (batch, rows, columns, channels); the result is
/// (batch, windows, windows, filters). Keras' Conv2D.
struct Conv2D {
  Index filters;                               ///< channels of the result
  std::array<Index, 2> kernel_size;            ///< rows and columns of a window
  Conv2DOptions options = {};                  ///< strides, padding, dilation_rate
  Activation activation = Activation::linear;  ///< applied to the result
  bool use_bias = true;                        ///< whether there is a bias
  Tensor kernel = {};                          ///< (rows, columns, channels, filters)
  Tensor bias = {};                            ///< (filters)

  /// Maps a sample (rows, columns, channels) to (windows, windows, filters). Throws ValueError for
  /// sizes below 1, ShapeError for a sample that does not fit.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Returns the result before the activation.
  Tensor linear(const Tensor& x) const;

  /// kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
