// The largest or the mean of windows, and of whole sequences. No parameters.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The largest of each window. x is (batch, time, channels), the result (batch, windows,
/// channels). Takes no mask.
struct MaxPooling1D {
  Pool1DOptions options = {};  ///< pool_size, strides, padding

  /// Maps a sample (time, channels) to (windows, channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns max_pool1d(x, options).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The largest of each window. x is (batch, rows, columns, channels), the result (batch,
/// windows, windows, channels). Takes no mask.
struct MaxPooling2D {
  Pool2DOptions options = {};  ///< pool_size, strides, padding

  /// Maps a sample (rows, columns, channels) to (windows, windows, channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns max_pool2d(x, options).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The mean of each window, without the padding. x is (batch, time, channels), the result (batch,
/// windows, channels). Takes no mask.
struct AveragePooling1D {
  Pool1DOptions options = {};  ///< pool_size, strides, padding

  /// Maps a sample (time, channels) to (windows, channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns average_pool1d(x, options).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The mean of each window, without the padding. x is (batch, rows, columns, channels), the result
/// (batch, windows, windows, channels). Takes no mask.
struct AveragePooling2D {
  Pool2DOptions options = {};  ///< pool_size, strides, padding

  /// Maps a sample (rows, columns, channels) to (windows, windows, channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns average_pool2d(x, options).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The mean over time of the kept positions, or 0 where no position is kept. x is (batch, time,
/// features), the mask (batch, time), the result (batch, features). Masked elements have no effect.
struct GlobalAveragePooling1D {
  /// Maps a sample (time, features) to (features).
  Shape build(const Shape& sample, const Rng& random) const;

  /// Returns the mean over the kept positions. Throws ShapeError for a mask that is not (batch,
  /// time), and ValueError for a sequence without positions.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the mean over all positions.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Ends the mask: the result has no positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::ends; }
};

/// The mean over rows and columns: x (batch, rows, columns, channels) -> (batch, channels). Takes
/// no mask.
struct GlobalAveragePooling2D {
  /// Maps a sample (rows, columns, channels) to (channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Throws ValueError for a picture without elements.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The largest over time of the kept positions, or 0 where no position is kept. x is (batch, time,
/// features), the mask (batch, time), the result (batch, features). Masked elements have no effect;
/// in Keras they take part.
struct GlobalMaxPooling1D {
  /// Maps a sample (time, features) to (features).
  Shape build(const Shape& sample, const Rng& random) const;

  /// Returns the largest of the kept positions. Throws ShapeError for a mask that is not (batch,
  /// time), and ValueError for a sequence without positions.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the largest of all positions.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Ends the mask: the result has no positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::ends; }
};

/// The largest over rows and columns: x (batch, rows, columns, channels) -> (batch, channels).
/// Takes no mask.
struct GlobalMaxPooling2D {
  /// Maps a sample (rows, columns, channels) to (channels).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Throws ValueError for a picture without elements.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

}}  // namespace fovea
