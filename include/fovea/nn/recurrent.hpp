// Layers that walk along a sequence and carry a state: Cho et al., "Learning phrase representations
// using RNN encoder-decoder" (2014); Hochreiter and Schmidhuber, "Long short-term memory" (1997).
// Gates stand in Keras' order, and weights are initialised as there.
#pragma once

#include <optional>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What a walk starts from, besides x.
struct WalkOptions {
  std::optional<Mask> mask =
      {};  ///< (batch, time): at the others output and state stay as they are
  std::vector<Tensor> states =
      {};  ///< each (batch, units): h, and for an LSTM c; zeros if there are none
};

/// What a walk gives.
struct Walk {
  Tensor outputs;  ///< (batch, time, units): h at each position; 0 before the first that is kept
  std::vector<Tensor> states;  ///< at the end: h, and for an LSTM c
};

/// h' = z h + (1 - z) n, with update z, reset r and candidate n, in this order in each weight:
///   z = sigmoid(x Wz + h Uz + bz),  r = sigmoid(x Wr + h Ur + br),
///   n = tanh(x Wn + bn + r (h Un + cn))  where the reset comes after the product, tanh(x Wn + bn +
///   (r h) Un) where before.
/// x (batch, time, features) -> (batch, units), or (batch, time, units) for whole sequences.
struct GRU {
  Index units;                    ///< width of h
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  bool reset_after = true;        ///< where r acts
  bool use_bias = true;           ///< whether there is a bias
  Tensor kernel = {};             ///< W: (features, 3 units), glorot_uniform
  Tensor recurrent_kernel = {};   ///< U: (units, 3 units), orthogonal
  Tensor bias = {};  ///< (2, 3 units), for x and for h; (3 units) if the reset comes before. zeros

  /// sample: (time, features) -> (units) or (time, units). Throws ValueError unless units is at
  /// least 1, ShapeError for other features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }  ///< without a mask

  /// Outputs and the last state, from a state of one's own.
  Walk walk(const Tensor& x, const WalkOptions& options = {}) const;

  MaskFlow mask_flow() const {
    return return_sequences ? MaskFlow::keeps : MaskFlow::ends;
  }  ///< a mask goes on with whole sequences

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

/// c' = f c + i g,  h' = o tanh(c'), with gates i, f, o = sigmoid(x W + h U + b) and g = tanh(x W +
/// h U + b); in each weight i, f, g, o. x (batch, time, features) -> (batch, units), or (batch,
/// time, units) for whole sequences.
struct LSTM {
  Index units;                    ///< width of h and c
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  bool use_bias = true;           ///< whether there is a bias
  bool unit_forget_bias = true;   ///< whether f's bias starts at 1
  Tensor kernel = {};             ///< W: (features, 4 units), glorot_uniform
  Tensor recurrent_kernel = {};   ///< U: (units, 4 units), orthogonal
  Tensor bias = {};               ///< (4 units), zeros, and ones for f

  /// sample: (time, features) -> (units) or (time, units). Throws ValueError unless units is at
  /// least 1, ShapeError for other features than it was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws StateError before it is built.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }  ///< without a mask

  /// Outputs and the last states, from states of one's own.
  Walk walk(const Tensor& x, const WalkOptions& options = {}) const;

  MaskFlow mask_flow() const {
    return return_sequences ? MaskFlow::keeps : MaskFlow::ends;
  }  ///< a mask goes on with whole sequences

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
