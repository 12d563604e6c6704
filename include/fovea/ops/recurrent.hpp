// Recurrent layers as ops, fused: Cho et al., "Learning phrase representations using RNN
// encoder-decoder" (2014); Hochreiter and Schmidhuber, "Long short-term memory" (1997). Gates stand
// in Keras' order. The products of all positions with x are one, and a step multiplies and computes
// the gates in one pass. Memory grows with batch, time and units, also for the gradients.
#pragma once

#include <optional>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What unrolling a recurrent layer starts from, besides x.
struct UnrollOptions {
  /// The positions to keep: (batch, time). At the others, output and state stay as they are, and
  /// nothing reads x.
  std::optional<Mask> mask = {};
  /// The initial states, each (batch, units): h, and for an LSTM c. Zeros if there are none.
  std::vector<Tensor> states = {};
  /// Whether to start at the last position. The outputs are in the order of steps, as in Keras:
  /// the first belongs to the last position.
  bool go_backwards = false;
};

/// The result of unrolling a recurrent layer.
struct Unrolled {
  Tensor outputs;  ///< (batch, time, units): h at each position; 0 before the first that is kept
  std::vector<Tensor> states;  ///< at the end: h, and for an LSTM c
};

/// Where the reset gate of a GRU acts: on the product with h, as in Keras' default and cuDNN, or on
/// h, as published.
enum class Reset { after, before };

/// h' = z h + (1 - z) n, with update z, reset r and candidate n, in this order in each weight:
///
///     z = sigmoid(x Wz + h Uz + bz)
///     r = sigmoid(x Wr + h Ur + br)
///     n = tanh(x Wn + bn + r (h Un + cn))   Reset::after
///     n = tanh(x Wn + bn + (r h) Un)        Reset::before
///
/// x (batch, time, features), kernel W (features, 3 units), recurrent_kernel U (units, 3 units),
/// bias (2, 3 units), for x and for h, or with Reset::before (3 units), or undefined. Throws
/// ShapeError, and ValueError for another number of states than 1.
Unrolled gru(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
             const Tensor& bias, const UnrollOptions& options = {}, Reset reset = Reset::after);

/// c' = f c + i g and h' = o tanh(c'), with gates i, f, o = sigmoid(x W + h U + b) and
/// g = tanh(x W + h U + b), in the order i, f, g, o in each weight. x (batch, time, features),
/// kernel W (features, 4 units), recurrent_kernel U (units, 4 units), bias (4 units) or undefined.
/// Throws ShapeError, and ValueError for another number of states than 2.
Unrolled lstm(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
              const Tensor& bias, const UnrollOptions& options = {});

}}  // namespace fovea
