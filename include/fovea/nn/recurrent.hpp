// Recurrent layers, which carry a state along a sequence: Cho et al., "Learning phrase
// representations using RNN encoder-decoder" (2014); Hochreiter and Schmidhuber, "Long short-term
// memory" (1997). Gates stand in Keras' order, and weights are initialised as there.
#pragma once

#include <optional>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What unrolling a recurrent layer starts from, besides x.
struct UnrollOptions {
  /// The positions to keep: (batch, time). At the others, output and state stay as they are.
  std::optional<Mask> mask = {};
  /// The initial states, each (batch, units): h, and for an LSTM c. Zeros if there are none.
  std::vector<Tensor> states = {};
};

/// The result of unrolling a recurrent layer.
struct Unrolled {
  Tensor outputs;  ///< (batch, time, units): h at each position; 0 before the first that is kept
  std::vector<Tensor> states;  ///< at the end: h, and for an LSTM c
};

/// h' = z h + (1 - z) n, with update z, reset r and candidate n, in this order in each weight:
///
///     z = sigmoid(x Wz + h Uz + bz)
///     r = sigmoid(x Wr + h Ur + br)
///     n = tanh(x Wn + bn + r (h Un + cn))   reset_after
///     n = tanh(x Wn + bn + (r h) Un)        otherwise
///
/// x is (batch, time, features), the result (batch, units), or (batch, time, units) for whole
/// sequences.
struct GRU {
  Index units;                    ///< width of h
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  bool reset_after = true;        ///< where r acts
  bool use_bias = true;           ///< whether there is a bias
  Tensor kernel = {};             ///< W: (features, 3 units), glorot_uniform
  Tensor recurrent_kernel = {};   ///< U: (units, 3 units), orthogonal
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

  /// Returns all outputs and the last state, from a given state.
  Unrolled unroll(const Tensor& x, const UnrollOptions& options = {}) const;

  /// Keeps a mask with whole sequences.
  MaskFlow mask_flow() const { return return_sequences ? MaskFlow::keeps : MaskFlow::ends; }

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

/// c' = f c + i g and h' = o tanh(c'), with gates i, f, o = sigmoid(x W + h U + b) and
/// g = tanh(x W + h U + b), in the order i, f, g, o in each weight. x is (batch, time, features),
/// the result (batch, units), or (batch, time, units) for whole sequences.
struct LSTM {
  Index units;                    ///< width of h and c
  bool return_sequences = false;  ///< whether the result is h at each position, or at the last
  bool use_bias = true;           ///< whether there is a bias
  bool unit_forget_bias = true;   ///< whether f's bias starts at 1
  Tensor kernel = {};             ///< W: (features, 4 units), glorot_uniform
  Tensor recurrent_kernel = {};   ///< U: (units, 4 units), orthogonal
  Tensor bias = {};               ///< (4 units), zeros, and ones for f

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

  /// Returns all outputs and the last states, from given states.
  Unrolled unroll(const Tensor& x, const UnrollOptions& options = {}) const;

  /// Keeps a mask with whole sequences.
  MaskFlow mask_flow() const { return return_sequences ? MaskFlow::keeps : MaskFlow::ends; }

  /// kernel, recurrent_kernel, and bias if there is one.
  static void parameters(auto& self, auto&& visit) {
    visit("kernel", self.kernel);
    visit("recurrent_kernel", self.recurrent_kernel);
    if (self.use_bias) visit("bias", self.bias);
  }
};

}}  // namespace fovea
