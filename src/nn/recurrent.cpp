#include "fovea/nn/recurrent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

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

void check_input(const char* name, const Tensor& x, const Tensor& kernel,
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
}

void check_states(const char* name, const std::vector<Tensor>& states, std::size_t count,
                  const Shape& shape) {
  if (!states.empty() && states.size() != count)
    throw ValueError(fmt::format("{}: {} states are given; it has {}; give {}", name, states.size(),
                                 count, count == 1 ? "h" : "h and c"));
  for (const Tensor& state : states)
    if (state.shape() != shape)
      throw ShapeError(fmt::format("{}: a state is {}; it must be {}", name,
                                   to_string(state.shape()), to_string(shape)));
}

UnrollOptions directed(UnrollOptions options, bool go_backwards) {
  options.go_backwards = options.go_backwards || go_backwards;
  return options;
}

}  // namespace

Shape GRU::build(const Shape& sample, const Rng& random) {
  check_units("GRU", units);
  return build_weights("GRU", *this, sample, 3,
                       Array::zeros(reset_after ? Shape{2, 3 * units} : Shape{3 * units}), random);
}

Unrolled GRU::unroll(const Tensor& x, const UnrollOptions& options) const {
  check_input("GRU", x, kernel, options.mask);
  check_states("GRU", options.states, 1, Shape{x.shape()[0], units});
  return gru(x, kernel, recurrent_kernel, use_bias ? bias : Tensor(),
             directed(options, go_backwards), reset_after ? Reset::after : Reset::before);
}

Tensor GRU::operator()(const Tensor& x, const std::optional<Mask>& mask, const Context&) const {
  // Without states of one's own, the last output is the last state, and costs no array of outputs'
  // gradients.
  const Unrolled all = unroll(x, {.mask = mask});
  return return_sequences ? all.outputs : all.states[0];
}

Shape LSTM::build(const Shape& sample, const Rng& random) {
  check_units("LSTM", units);
  Array start = Array::zeros(Shape{4 * units});
  if (unit_forget_bias) std::fill_n(start.mutable_data() + units, units, real(1));
  return build_weights("LSTM", *this, sample, 4, start, random);
}

Unrolled LSTM::unroll(const Tensor& x, const UnrollOptions& options) const {
  check_input("LSTM", x, kernel, options.mask);
  check_states("LSTM", options.states, 2, Shape{x.shape()[0], units});
  return lstm(x, kernel, recurrent_kernel, use_bias ? bias : Tensor(),
              directed(options, go_backwards));
}

Tensor LSTM::operator()(const Tensor& x, const std::optional<Mask>& mask, const Context&) const {
  const Unrolled all = unroll(x, {.mask = mask});
  return return_sequences ? all.outputs : all.states[0];
}

}}  // namespace fovea
