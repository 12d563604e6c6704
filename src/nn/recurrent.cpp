// The products with x are one matmul for all positions. The products with h are computed position
// by position.
#include "fovea/nn/recurrent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

template <class Module>
Shape build_weights(const char* name, Module& module, const Shape& sample, Index gates,
                    const Array& bias, const Rng& random) {
  const Index units = module.units;
  if (sample.rank() != 2)
    throw ShapeError(
        fmt::format("{}: a sample is {}; it must be (time, features)", name, to_string(sample)));
  if (!module.kernel.defined()) {  // made last: a kernel says that all parameters exist
    module.recurrent_kernel = Tensor::parameter(
        init::orthogonal(Shape{units, gates * units}, random.split("recurrent_kernel")));
    if (module.use_bias) module.bias = Tensor::parameter(bias);
    module.kernel = Tensor::parameter(
        init::glorot_uniform(Shape{sample[1], gates * units}, random.split("kernel")));
  }
  if (module.kernel.shape() != Shape{sample[1], gates * units})
    throw ShapeError(fmt::format(
        "{}: built for {} features and {} units; now a sample is {} and units is {}", name,
        module.kernel.shape()[0], module.kernel.shape()[1] / gates, to_string(sample), units));
  return module.return_sequences ? sample.with(-1, units) : Shape{units};
}

void check_units(const char* name, Index units) {
  if (units < 1 || units > (Index(1) << 40))
    throw ValueError(fmt::format("{}: units is {}; it must be 1 to 2^40", name, units));
}

Tensor at_time(const Tensor& x, Index t) {
  return reshape(slice(x, 1, t, t + 1), {x.shape()[0], x.shape()[2]});
}

std::vector<Tensor> initial_states(const char* name, const UnrollOptions& options,
                                   std::size_t count, const Shape& shape) {
  if (options.states.empty()) return std::vector<Tensor>(count, Tensor(Array::zeros(shape)));
  if (options.states.size() != count)
    throw ValueError(fmt::format("{}: {} states are given; it has {}; give {}", name,
                                 options.states.size(), count, count == 1 ? "h" : "h and c"));
  for (const Tensor& state : options.states)
    if (state.shape() != shape)
      throw ShapeError(fmt::format("{}: a state is {}; it must be {}", name,
                                   to_string(state.shape()), to_string(shape)));
  return options.states;
}

// Unrolls over x W (batch, time, gates units). step(x W at a position, states) returns the states
// behind that position, h first.
template <class Step>
Unrolled unroll_steps(const char* name, const Tensor& projected, Index units,
                      std::size_t state_count, const UnrollOptions& options, const Step& step) {
  const Index batch = projected.shape()[0], time = projected.shape()[1];
  std::vector<Tensor> states = initial_states(name, options, state_count, Shape{batch, units}),
                      outputs;
  Tensor output = Array::zeros(Shape{batch, units});
  for (Index t = 0; t < time; ++t) {
    std::vector<Tensor> next = step(at_time(projected, t), states);
    Tensor shown = next[0];
    if (options.mask) {
      Mask keep(Shape{batch, 1});
      for (Index sample = 0; sample < batch; ++sample)
        keep.mutable_keep()[static_cast<std::size_t>(sample)] =
            options.mask->keep()[static_cast<std::size_t>(sample * time + t)];
      shown = where(keep, next[0], output);
      for (std::size_t i = 0; i < next.size(); ++i) next[i] = where(keep, next[i], states[i]);
    }
    output = shown;
    states = std::move(next);
    outputs.push_back(output);
  }
  return {stack(outputs, 1), states};
}

// Returns x after checking it, with 0 at masked positions.
Tensor readable(const char* name, const Tensor& x, const Tensor& kernel,
                const std::optional<Mask>& mask) {
  check_built(name, kernel);
  if (x.shape().rank() != 3)
    throw ShapeError(
        fmt::format("{}: x is {}; it must be (batch, time, features)", name, to_string(x.shape())));
  check_features(name, "x", x.shape(), kernel.shape()[0]);
  const Index batch = x.shape()[0], time = x.shape()[1];
  if (time == 0)
    throw ValueError(fmt::format("{}: a sequence of length 0 has no last position", name));
  if (mask && mask->shape() != Shape{batch, time})
    throw ShapeError(fmt::format("{}: the mask has shape {}; it must be ({}, {})", name,
                                 to_string(mask->shape()), batch, time));
  return without_dropped(x, mask);
}

Tensor result_of(const Unrolled& all, bool whole) {
  return whole ? all.outputs : at_time(all.outputs, all.outputs.shape()[1] - 1);
}

}  // namespace

Shape GRU::build(const Shape& sample, const Rng& random) {
  check_units("GRU", units);
  return build_weights("GRU", *this, sample, 3,
                       Array::zeros(reset_after ? Shape{2, 3 * units} : Shape{3 * units}), random);
}

Unrolled GRU::unroll(const Tensor& x, const UnrollOptions& options) const {
  Tensor projected = matmul(readable("GRU", x, kernel, options.mask), kernel), recurrent_bias;
  if (use_bias && reset_after) {
    projected = projected + slice(bias, 0, 0, 1);
    recurrent_bias = slice(bias, 0, 1, 2);
  } else if (use_bias) {
    projected = projected + bias;
  }
  if (reset_after)
    return unroll_steps(
        "GRU", projected, units, 1, options,
        [&](const Tensor& xw, const std::vector<Tensor>& states) -> std::vector<Tensor> {
          const Tensor product = matmul(states[0], recurrent_kernel),
                       hu = use_bias ? product + recurrent_bias : product;
          const std::vector<Tensor> from_x = split(xw, 3), from_h = split(hu, 3);
          const Tensor z = sigmoid(from_x[0] + from_h[0]), r = sigmoid(from_x[1] + from_h[1]),
                       n = tanh(from_x[2] + r * from_h[2]);
          return {n + z * (states[0] - n)};
        });
  const std::vector<Tensor> kernels = split(recurrent_kernel, {2 * units, units});
  return unroll_steps(
      "GRU", projected, units, 1, options,
      [&](const Tensor& xw, const std::vector<Tensor>& states) -> std::vector<Tensor> {
        const std::vector<Tensor> from_x = split(xw, 3),
                                  from_h = split(matmul(states[0], kernels[0]), 2);
        const Tensor z = sigmoid(from_x[0] + from_h[0]), r = sigmoid(from_x[1] + from_h[1]),
                     n = tanh(from_x[2] + matmul(r * states[0], kernels[1]));
        return {n + z * (states[0] - n)};
      });
}

Tensor GRU::operator()(const Tensor& x, const std::optional<Mask>& mask, const Context&) const {
  return result_of(unroll(x, {.mask = mask}), return_sequences);
}

Shape LSTM::build(const Shape& sample, const Rng& random) {
  check_units("LSTM", units);
  Array start = Array::zeros(Shape{4 * units});
  if (unit_forget_bias) std::fill_n(start.mutable_data() + units, units, real(1));
  return build_weights("LSTM", *this, sample, 4, start, random);
}

Unrolled LSTM::unroll(const Tensor& x, const UnrollOptions& options) const {
  const Tensor product = matmul(readable("LSTM", x, kernel, options.mask), kernel);
  return unroll_steps(
      "LSTM", use_bias ? product + bias : product, units, 2, options,
      [&](const Tensor& xw, const std::vector<Tensor>& states) -> std::vector<Tensor> {
        const std::vector<Tensor> gates = split(xw + matmul(states[0], recurrent_kernel), 4);
        const Tensor i = sigmoid(gates[0]), f = sigmoid(gates[1]), g = tanh(gates[2]),
                     o = sigmoid(gates[3]);
        const Tensor c = f * states[1] + i * g;
        return {o * tanh(c), c};
      });
}

Tensor LSTM::operator()(const Tensor& x, const std::optional<Mask>& mask, const Context&) const {
  return result_of(unroll(x, {.mask = mask}), return_sequences);
}

}}  // namespace fovea
