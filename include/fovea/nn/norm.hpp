// Normalisation of each position by itself: Ba, Kiros and Hinton, "Layer normalization" (2016);
// Zhang and Sennrich, "Root mean square layer normalization" (2019). And of each feature over a
// batch: Ioffe and Szegedy, "Batch normalization" (2015).
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
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

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta, with mean and biased variance of each
/// feature, the last axis. While training they are those of the batch, over all axes but the last
/// and over kept positions only, and the moving statistics come nearer to them; otherwise they are
/// the moving statistics. Keras' BatchNormalization: gamma and moving_variance start as ones, beta
/// and moving_mean as zeros.
///
/// A model with this layer does not cut batches into shards, so statistics are those of the whole
/// batch, and the same bits on any number of threads. Of several batches that make one update, each
/// has its own. As in Keras, a frozen layer normalises by its moving statistics; `set_trainable`
/// never thaws these. Calls that train write to them: one thread at a time.
struct BatchNormalization {
  real momentum = real(0.99);   ///< moving = momentum moving + (1 - momentum) of the batch; 0 to 1
  real epsilon = real(1e-3);    ///< added to the variance
  Tensor gamma = {};            ///< (features)
  Tensor beta = {};             ///< (features)
  Tensor moving_mean = {};      ///< (features), always frozen
  Tensor moving_variance = {};  ///< (features), always frozen

  static constexpr bool mixes_samples = true;  ///< a batch must not be cut

  /// Returns the shape of the sample, (..., features). Throws ValueError for a momentum or an
  /// epsilon out of range, ShapeError for another number of features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns y, in the shape of x. A batch of which nothing is kept is normalised by the moving
  /// statistics. These stay as they are where nothing is recorded. Throws StateError before the
  /// module is built and, while training, inside `recompute`, which would count a batch twice;
  /// ShapeError for a mask that does not lie over the first axes of x.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// The same, without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// Visits gamma, beta, moving_mean and moving_variance.
  static void parameters(auto& self, auto&& visit) {
    visit("gamma", self.gamma);
    visit("beta", self.beta);
    visit("moving_mean", self.moving_mean);
    visit("moving_variance", self.moving_variance);
  }
};

}}  // namespace fovea
