// The largest or the mean of windows, and of whole sequences. No parameters.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The largest of each window: x (batch, time, channels) -> (batch, windows, channels). A mask
/// would be lost.
struct MaxPool1D {
  Pool1DOptions options = {};  ///< size, stride, padding

  Shape build(const Shape& sample,
              const Rng& random) const;  ///< (time, channels) -> (windows, channels)
  Tensor operator()(const Tensor& x,
                    const Context& context = {}) const;  ///< max_pool1d(x, options)
};

/// The largest of each window: x (batch, rows, columns, channels) -> (batch, windows, windows,
/// channels).
struct MaxPool2D {
  Pool2DOptions options = {};  ///< size, stride, padding

  Shape build(const Shape& sample, const Rng& random)
      const;  ///< (rows, columns, channels) -> (windows, windows, channels)
  Tensor operator()(const Tensor& x,
                    const Context& context = {}) const;  ///< max_pool2d(x, options)
};

/// The mean of each window; padding does not count. x (batch, time, channels) -> (batch, windows,
/// channels). A mask would be lost.
struct AveragePool1D {
  Pool1DOptions options = {};  ///< size, stride, padding

  Shape build(const Shape& sample,
              const Rng& random) const;  ///< (time, channels) -> (windows, channels)
  Tensor operator()(const Tensor& x,
                    const Context& context = {}) const;  ///< average_pool1d(x, options)
};

/// The mean of each window; padding does not count. x (batch, rows, columns, channels) -> (batch,
/// windows, windows, channels).
struct AveragePool2D {
  Pool2DOptions options = {};  ///< size, stride, padding

  Shape build(const Shape& sample, const Rng& random)
      const;  ///< (rows, columns, channels) -> (windows, windows, channels)
  Tensor operator()(const Tensor& x,
                    const Context& context = {}) const;  ///< average_pool2d(x, options)
};

/// The mean over time of the positions that are kept, 0 where none is: x (batch, time, features),
/// mask (batch, time) -> (batch, features). Masked numbers are never computed with.
struct GlobalAveragePool1D {
  Shape build(const Shape& sample, const Rng& random) const;  ///< (time, features) -> (features)

  /// Throws ShapeError for a mask that is not (batch, time), ValueError for a sequence without
  /// positions.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }  ///< without a mask

  static constexpr MaskFlow mask_flow() {
    return MaskFlow::ends;
  }  ///< there are no positions any more
};

}}  // namespace fovea
