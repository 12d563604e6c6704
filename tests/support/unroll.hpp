// Recurrent layers unrolled position by position with elementary ops: what the fused ones agree
// with, value and gradient.
#pragma once

#include <functional>
#include <vector>

#include "fovea/ops/ops.hpp"
#include "fovea/ops/recurrent.hpp"

namespace support {

using fovea::Array;
using fovea::Index;
using fovea::Mask;
using fovea::Shape;
using fovea::Tensor;
using fovea::Unrolled;
using fovea::UnrollOptions;

using States = std::vector<Tensor>;

inline Tensor at_time(const Tensor& x, Index t) {
  return fovea::reshape(fovea::slice(x, 1, t, t + 1), {x.shape()[0], x.shape()[2]});
}

inline Mask at_time(const Mask& mask, Index t) {
  const Index batch = mask.shape()[0], time = mask.shape()[1];
  Mask keep(Shape{batch, 1});
  for (Index sample = 0; sample < batch; ++sample)
    keep.mutable_keep()[static_cast<std::size_t>(sample)] = mask.at(sample * time + t);
  return keep;
}

/// Unrolls over x W (batch, time, gates units). step(x W at a position, states) returns the states
/// behind that position, h first.
inline Unrolled unroll_steps(const Tensor& projected, Index units, std::size_t state_count,
                             const UnrollOptions& options,
                             const std::function<States(const Tensor&, const States&)>& step) {
  const Index batch = projected.shape()[0], time = projected.shape()[1];
  const Tensor zeros = Array::zeros(Shape{batch, units});
  States states = options.states.empty() ? States(state_count, zeros) : options.states, outputs;
  Tensor output = zeros;
  for (Index t = 0; t < time; ++t) {
    const Index p = options.go_backwards ? time - 1 - t : t;
    States next = step(at_time(projected, p), states);
    Tensor shown = next[0];
    if (options.mask) {
      const Mask keep = at_time(*options.mask, p);
      shown = fovea::where(keep, next[0], output);
      for (std::size_t i = 0; i < next.size(); ++i)
        next[i] = fovea::where(keep, next[i], states[i]);
    }
    output = shown;
    states = std::move(next);
    outputs.push_back(output);
  }
  return {outputs.empty() ? Tensor(Array::zeros(Shape{batch, 0, units})) : fovea::stack(outputs, 1),
          states};
}

/// x W, with 0 for x where the mask drops.
inline Tensor project(const Tensor& x, const Tensor& kernel, const UnrollOptions& options) {
  if (!options.mask) return fovea::matmul(x, kernel);
  const Mask keep = options.mask->reshaped(options.mask->shape().inserted(2, 1));
  return fovea::matmul(fovea::where(keep, x, fovea::scalar(0)), kernel);
}

/// `fovea::gru` of elementary ops.
inline Unrolled unrolled_gru(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
                             const Tensor& bias, const UnrollOptions& options, fovea::Reset reset) {
  using namespace fovea;
  const Index units = recurrent_kernel.shape()[0];
  Tensor projected = project(x, kernel, options), recurrent_bias = scalar(0);
  if (bias.defined() && reset == Reset::after) {
    projected = projected + slice(bias, 0, 0, 1);
    recurrent_bias = slice(bias, 0, 1, 2);
  } else if (bias.defined()) {
    projected = projected + bias;
  }
  const std::vector<Tensor> kernels = split(recurrent_kernel, {2 * units, units});
  return unroll_steps(projected, units, 1, options, [&](const Tensor& xw, const States& states) {
    const States from_x = split(xw, 3);
    if (reset == Reset::after) {
      const States from_h = split(matmul(states[0], recurrent_kernel) + recurrent_bias, 3);
      const Tensor z = sigmoid(from_x[0] + from_h[0]), r = sigmoid(from_x[1] + from_h[1]),
                   n = tanh(from_x[2] + r * from_h[2]);
      return States{n + z * (states[0] - n)};
    }
    const States from_h = split(matmul(states[0], kernels[0]), 2);
    const Tensor z = sigmoid(from_x[0] + from_h[0]), r = sigmoid(from_x[1] + from_h[1]),
                 n = tanh(from_x[2] + matmul(r * states[0], kernels[1]));
    return States{n + z * (states[0] - n)};
  });
}

/// `fovea::lstm` of elementary ops.
inline Unrolled unrolled_lstm(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
                              const Tensor& bias, const UnrollOptions& options) {
  using namespace fovea;
  const Tensor product = project(x, kernel, options);
  return unroll_steps(bias.defined() ? product + bias : product, recurrent_kernel.shape()[0], 2,
                      options, [&](const Tensor& xw, const States& states) {
                        const States gates = split(xw + matmul(states[0], recurrent_kernel), 4);
                        const Tensor i = sigmoid(gates[0]), f = sigmoid(gates[1]),
                                     g = tanh(gates[2]), o = sigmoid(gates[3]);
                        const Tensor c = f * states[1] + i * g;
                        return States{o * tanh(c), c};
                      });
}

}  // namespace support
