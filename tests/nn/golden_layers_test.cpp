// Layers as Keras computes them: every case of keras_layers.npz, value and gradient.
#include <doctest/doctest.h>

#include "fovea/fovea.hpp"
#include "nn/golden_case.hpp"

using namespace fovea;
using golden::Case;

namespace {

const NumpyArchive& file() {
  static const NumpyArchive opened = golden::open("keras_layers");
  return opened;
}

const NumpyArchive& backwards() {
  static const NumpyArchive opened = golden::open("keras_backwards");
  return opened;
}

// Gives a recurrent layer the weights of a case.
void fill(Case& at, auto& module) {
  module.kernel = at.leaf("w0_kernel");
  module.recurrent_kernel = at.leaf("w1_recurrent_kernel");
  module.bias = at.leaf("w2_bias");
  module.units = module.recurrent_kernel.shape()[0];
}

GRU gru_of(Case& at, bool whole, bool reset_after) {
  GRU gru{.units = 0, .return_sequences = whole, .reset_after = reset_after};
  fill(at, gru);
  return gru;
}

LSTM lstm_of(Case& at, bool whole) {
  LSTM lstm{.units = 0, .return_sequences = whole};
  fill(at, lstm);
  return lstm;
}

// Outputs and last states of a walk.
template <class Module>
void check_walk(Case& at, const Module& module, const UnrollOptions& options, bool shows_states) {
  const Unrolled walk = module.unroll(at.leaf("x"), options);
  for (std::size_t i = 0; shows_states && i < walk.states.size(); ++i)
    at.check_value("last_state" + std::to_string(i), walk.states[i].value());
  at.check(walk.outputs);
}

}  // namespace

TEST_CASE("LayerNormalization and RMSNormalization are Keras', value and gradient") {
  for (const auto& [name, epsilon] :
       {std::pair("layer_norm", real(1e-3)), std::pair("layer_norm_epsilon_1e-5", real(1e-5))}) {
    Case at(file(), name);
    at.check(LayerNormalization{.epsilon = epsilon,
                                .gamma = at.leaf("w0_gamma"),
                                .beta = at.leaf("w1_beta")}(at.leaf("x")));
  }
  Case axes(file(), "layer_norm_axes_1_2");
  const Tensor x = axes.leaf("x");
  const Index batch = x.shape()[0], rest = x.shape().count() / batch;
  const Tensor y = layer_norm(reshape(x, {batch, rest}), reshape(axes.leaf("w0_gamma"), {rest}),
                              reshape(axes.leaf("w1_beta"), {rest}));
  axes.check(reshape(y, {x.shape().sizes().begin(), x.shape().sizes().end()}));
  Case rms(file(), "rms_norm");
  rms.check(RMSNormalization{.gamma = rms.leaf("w0_scale")}(rms.leaf("x")));
}

TEST_CASE("Embedding and Dense are Keras', value and gradient") {
  Case embedding(file(), "embedding");
  embedding.check(Embedding{.input_dim = 6,
                            .output_dim = 4,
                            .embeddings = embedding.leaf("w0_embeddings")}(embedding.ids("ids")));
  for (const char* name : {"dense_3d", "dense_gelu"}) {
    Case at(file(), name);
    const Tensor weight = at.leaf("w0_kernel");
    const Tensor y = Dense{
        .units = weight.shape()[1], .kernel = weight, .bias = at.leaf("w1_bias")}(at.leaf("x"));
    at.check(at.name() == "dense_gelu" ? gelu(y) : y);
  }
}

TEST_CASE(
    "GRU is Keras', with the reset before and after, masks, and a state of one's own, value and "
    "gradient") {
  for (const bool after : {true, false})
    for (const bool masked : {false, true}) {
      Case at(file(), std::string("gru_reset_") + (after ? "after" : "before") +
                          (masked ? "_masked_sequences" : ""));
      const GRU gru = gru_of(at, true, after);
      UnrollOptions options;
      if (masked) options.mask = at.mask("mask");
      check_walk(at, gru, options, masked);
    }
  Case last(file(), "gru_masked_last");
  last.check(gru_of(last, false, true)(last.leaf("x"), last.mask("mask")));
  Case own(file(), "gru_initial_state");
  check_walk(own, gru_of(own, true, true), {.states = {own.leaf("state0")}}, true);
}

TEST_CASE("LSTM is Keras', with masks, states of one's own, and backwards, value and gradient") {
  Case plain(file(), "lstm");
  plain.check(lstm_of(plain, true)(plain.leaf("x")));
  Case masked(file(), "lstm_masked_sequences");
  check_walk(masked, lstm_of(masked, true), {.mask = masked.mask("mask")}, true);
  Case last(file(), "lstm_masked_last");
  last.check(lstm_of(last, false)(last.leaf("x"), last.mask("mask")));
  Case own(file(), "lstm_initial_state");
  check_walk(own, lstm_of(own, true), {.states = {own.leaf("state0"), own.leaf("state1")}}, true);
  Case backwards(file(), "lstm_backwards");
  LSTM lstm = lstm_of(backwards, true);
  lstm.go_backwards = true;
  backwards.check(lstm(backwards.leaf("x")));
}

TEST_CASE(
    "GRU and LSTM that go backwards are Keras', with masks and states of one's own, value and "
    "gradient") {
  const auto walk = [](const std::string& name, auto module, std::size_t states) {
    Case at(backwards(), name);
    fill(at, module);
    module.go_backwards = true;
    UnrollOptions options;
    if (name.ends_with("masked")) options.mask = at.mask("mask");
    for (std::size_t i = 0; name.ends_with("state") && i < states; ++i)
      options.states.push_back(at.leaf("state" + std::to_string(i)));
    check_walk(at, module, options, true);
  };
  const auto last = [](const std::string& name, auto module) {
    Case at(backwards(), name);
    fill(at, module);
    module.go_backwards = true;
    at.check(module(at.leaf("x"), at.mask("mask")));
  };
  for (const char* name : {"gru_reset_after", "gru_reset_after_masked", "gru_initial_state"})
    walk(name, GRU{.units = 0}, 1);
  for (const char* name : {"gru_reset_before", "gru_reset_before_masked"})
    walk(name, GRU{.units = 0, .reset_after = false}, 1);
  for (const char* name : {"lstm", "lstm_masked", "lstm_initial_state"})
    walk(name, LSTM{.units = 0}, 2);
  last("gru_masked_last", GRU{.units = 0});
  last("lstm_masked_last", LSTM{.units = 0});
  golden::check_complete(backwards(),
                         {"gru_reset_after", "gru_reset_after_masked", "gru_initial_state",
                          "gru_reset_before", "gru_reset_before_masked", "gru_masked_last", "lstm",
                          "lstm_masked", "lstm_initial_state", "lstm_masked_last"},
                         {});
}

TEST_CASE("Conv1D is Keras', with each padding, stride and dilation, value and gradient") {
  const std::pair<const char*, Conv1DOptions> rows[] = {
      {"conv1d_valid", {}},
      {"conv1d_same", {.padding = Padding::same}},
      {"conv1d_same_even", {.padding = Padding::same}},
      {"conv1d_valid_stride2", {.strides = 2}},
      {"conv1d_same_stride2", {.strides = 2, .padding = Padding::same}},
      {"conv1d_causal_dilated", {.padding = Padding::causal, .dilation_rate = 2}}};
  for (const auto& [name, options] : rows) {
    Case at(file(), name);
    const Tensor kernel = at.leaf("w0_kernel");
    at.check(Conv1D{.filters = kernel.shape()[2],
                    .kernel_size = kernel.shape()[0],
                    .options = options,
                    .kernel = kernel,
                    .bias = at.leaf("w1_bias")}(at.leaf("x")));
  }
}

TEST_CASE("Conv2D is Keras', with each padding and stride, value and gradient") {
  const std::pair<const char*, Conv2DOptions> rows[] = {
      {"conv2d_valid", {}},
      {"conv2d_valid_stride2", {.strides = {2, 2}}},
      {"conv2d_same", {.padding = Padding::same}},
      {"conv2d_same_stride2", {.strides = {2, 2}, .padding = Padding::same}},
      {"conv2d_same_stride2x1", {.strides = {2, 1}, .padding = Padding::same}}};
  for (const auto& [name, options] : rows) {
    Case at(file(), name);
    const Tensor kernel = at.leaf("w0_kernel");
    at.check(Conv2D{.filters = kernel.shape()[3],
                    .kernel_size = {kernel.shape()[0], kernel.shape()[1]},
                    .options = options,
                    .kernel = kernel,
                    .bias = at.leaf("w1_bias")}(at.leaf("x")));
  }
}

TEST_CASE("pooling is Keras', in one dimension and two, value and gradient") {
  for (const Padding padding : {Padding::valid, Padding::same}) {
    const std::string suffix = padding == Padding::valid ? "_valid" : "_same";
    const Pool1DOptions one{.pool_size = 3, .strides = 2, .padding = padding};
    const Pool2DOptions two{.pool_size = {3, 3}, .strides = {2, 2}, .padding = padding};
    Case max1(file(), "max_pool1d" + suffix), max2(file(), "max_pool2d" + suffix);
    Case average1(file(), "average_pool1d" + suffix), average2(file(), "average_pool2d" + suffix);
    max1.check(MaxPooling1D{one}(max1.leaf("x")));
    max2.check(MaxPooling2D{two}(max2.leaf("x")));
    average1.check(AveragePooling1D{one}(average1.leaf("x")));
    average2.check(AveragePooling2D{two}(average2.leaf("x")));
  }
}

TEST_CASE("no case of keras_layers is left out") {
  golden::check_complete(file(),
                         {"layer_norm",
                          "layer_norm_epsilon_1e-5",
                          "layer_norm_axes_1_2",
                          "rms_norm",
                          "embedding",
                          "dense_3d",
                          "dense_gelu",
                          "gru_reset_after",
                          "gru_reset_after_masked_sequences",
                          "gru_reset_before",
                          "gru_reset_before_masked_sequences",
                          "gru_masked_last",
                          "gru_initial_state",
                          "lstm",
                          "lstm_masked_sequences",
                          "lstm_masked_last",
                          "lstm_initial_state",
                          "lstm_backwards",
                          "conv1d_valid",
                          "conv1d_same",
                          "conv1d_same_even",
                          "conv1d_valid_stride2",
                          "conv1d_same_stride2",
                          "conv1d_causal_dilated",
                          "conv2d_valid",
                          "conv2d_valid_stride2",
                          "conv2d_same",
                          "conv2d_same_stride2",
                          "conv2d_same_stride2x1",
                          "max_pool1d_valid",
                          "max_pool2d_valid",
                          "max_pool1d_same",
                          "max_pool2d_same",
                          "average_pool1d_valid",
                          "average_pool2d_valid",
                          "average_pool1d_same",
                          "average_pool2d_same"},
                         {});
}
