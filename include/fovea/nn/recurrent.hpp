// Recurrent layers, which carry a state along a sequence: Cho et al., "Learning phrase
// representations using RNN encoder-decoder" (2014); Hochreiter and Schmidhuber, "Long short-term
// memory" (1997). Gates stand in Keras' order, and weights are initialised as there.
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/recurrent.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The gated recurrent unit, as `gru` states it. x is (batch, time, features), the result
/// (batch, units), or (batch, time, units) for whole sequences.
struct GRU {
  Index units;                    ///< width of h
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  /// Whether to start at the last position and end at the first. Whole sequences are in the order
  /// of steps, as in Keras, and so is the mask behind them, which Keras leaves as it was.
  bool go_backwards = false;
  bool reset_after = true;       ///< whether r acts on the product with h, rather than on h
  bool use_bias = true;          ///< whether there is a bias
  Tensor kernel = {};            ///< W: (features, 3 units), glorot_uniform
  Tensor recurrent_kernel = {};  ///< U: (units, 3 units), orthogonal
  Tensor bias = {};  ///< (2, 3 units), for x and for h; (3 units) if the reset comes before. zeros

  /// Maps a sample (time, features) to (units) or (time, units). Throws ValueError unless units is
  /// at least 1, ShapeError for other features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the result without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Returns all outputs and the last state, from a given state. Goes backwards where the layer or
  /// the options say so.
  Unrolled unroll(const Tensor& x, const UnrollOptions& options = {}) const;

  /// Keeps a mask with whole sequences, in the order of steps.
  MaskFlow mask_flow() const {
    if (!return_sequences) return MaskFlow::ends;
    return go_backwards ? MaskFlow::reverses : MaskFlow::keeps;
  }

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

/// Long short-term memory, as `lstm` states it. x is (batch, time, features), the result
/// (batch, units), or (batch, time, units) for whole sequences.
struct LSTM {
  Index units;                    ///< width of h and c
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  /// Whether to start at the last position and end at the first. Whole sequences are in the order
  /// of steps, as in Keras, and so is the mask behind them, which Keras leaves as it was.
  bool go_backwards = false;
  bool use_bias = true;          ///< whether there is a bias
  bool unit_forget_bias = true;  ///< whether f's bias starts at 1
  Tensor kernel = {};            ///< W: (features, 4 units), glorot_uniform
  Tensor recurrent_kernel = {};  ///< U: (units, 4 units), orthogonal
  Tensor bias = {};              ///< (4 units), zeros, and ones for f

  /// Maps a sample (time, features) to (units) or (time, units). Throws ValueError unless units is
  /// at least 1, ShapeError for other features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the result without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Returns all outputs and the last states, from given states. Goes backwards where the layer or
  /// the options say so.
  Unrolled unroll(const Tensor& x, const UnrollOptions& options = {}) const;

  /// Keeps a mask with whole sequences, in the order of steps.
  MaskFlow mask_flow() const {
    if (!return_sequences) return MaskFlow::ends;
    return go_backwards ? MaskFlow::reverses : MaskFlow::keeps;
  }

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
