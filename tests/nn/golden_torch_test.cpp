// Layers as PyTorch computes them: torch_layers.npz. PyTorch's channels come second and its weights
// are (out, in): they are turned, and gradients flow back through that.
#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "fovea/fovea.hpp"
#include "nn/golden_case.hpp"

using namespace fovea;
using golden::Case;

namespace {

const NumpyArchive& file() {
  static const NumpyArchive opened = golden::open("torch_layers");
  return opened;
}

// (batch, channels, positions...) -> (batch, positions..., channels), and back; weights (out, in,
// window...) -> (window..., in, out).
Tensor channels_last(const Tensor& x) {
  return x.shape().rank() == 3 ? permute_dims(x, {0, 2, 1}) : permute_dims(x, {0, 2, 3, 1});
}
Tensor channels_second(const Tensor& x) {
  return x.shape().rank() == 3 ? permute_dims(x, {0, 2, 1}) : permute_dims(x, {0, 3, 1, 2});
}
Tensor kernel_of(const Tensor& weight) {
  return weight.shape().rank() == 3 ? permute_dims(weight, {2, 1, 0})
                                    : permute_dims(weight, {2, 3, 1, 0});
}

// One row or column of `value` around an image (batch, rows, columns, channels).
Tensor padded(const Tensor& x, real value) { return pad(x, {{}, {1, 1}, {1, 1}, {}}, value); }

LSTM lstm_of(Case& at, const std::string& suffix) {
  const Tensor weight = at.leaf("weight_ih_" + suffix), recurrent = at.leaf("weight_hh_" + suffix);
  LSTM lstm{.units = recurrent.shape()[1], .return_sequences = true};
  lstm.kernel = transpose(weight);
  lstm.recurrent_kernel = transpose(recurrent);
  lstm.bias = at.leaf("bias_ih_" + suffix) + at.leaf("bias_hh_" + suffix);
  return lstm;
}

// PyTorch's gates r, z, n along axis 0, as z, r, n.
Tensor reordered(const Tensor& gates) {
  const std::vector<Tensor> parts = split(gates, 3, 0);
  return concat({parts[1], parts[0], parts[2]}, 0);
}

GRU gru_of(Case& at) {
  const Tensor weight = at.leaf("weight_ih_l0"), recurrent = at.leaf("weight_hh_l0");
  GRU gru{.units = recurrent.shape()[1], .return_sequences = true};
  gru.kernel = transpose(reordered(weight));
  gru.recurrent_kernel = transpose(reordered(recurrent));
  gru.bias = stack({reordered(at.leaf("bias_ih_l0")), reordered(at.leaf("bias_hh_l0"))});
  return gru;
}

}  // namespace

TEST_CASE("layer_norm and rms_norm are PyTorch's, value and gradient") {
  Case layer(file(), "layer_norm");
  layer.check(layer_norm(layer.leaf("x"), layer.leaf("weight"), layer.leaf("bias"), real(1e-5)));
  for (const auto& [name, epsilon] : {std::pair("rms_norm_eps_1e-6", real(1e-6)),
                                      std::pair("rms_norm_default_eps", real(0x1p-23))}) {
    Case at(file(), name);
    at.check(rms_norm(at.leaf("x"), at.leaf("weight"), epsilon));
  }
}

TEST_CASE("LSTM is PyTorch's, also two layers in both directions, value and gradient") {
  Case one(file(), "lstm");
  const Unrolled walk = lstm_of(one, "l0").unroll(one.leaf("x"));
  one.check_value("last_h", expand_dims(walk.states[0], 0).value());
  one.check_value("last_c", expand_dims(walk.states[1], 0).value());
  one.check(walk.outputs);

  Case two(file(), "lstm_2_layers_bidirectional");
  Tensor y = two.leaf("x");
  std::vector<Tensor> h, c;
  for (const char* layer : {"l0", "l1"}) {
    const Unrolled there = lstm_of(two, layer).unroll(y),
                   back = lstm_of(two, std::string(layer) + "_reverse").unroll(flip(y, 1));
    y = concat({there.outputs, flip(back.outputs, 1)});
    for (const Unrolled& each : {there, back})
      h.push_back(each.states[0]), c.push_back(each.states[1]);
  }
  two.check_value("last_h", stack(h).value());
  two.check_value("last_c", stack(c).value());
  two.check(y);
}

TEST_CASE("GRU is PyTorch's, also of packed sequences, value and gradient") {
  Case plain(file(), "gru");
  const Unrolled walk = gru_of(plain).unroll(plain.leaf("x"));
  plain.check_value("last_h", expand_dims(walk.states[0], 0).value());
  plain.check(walk.outputs);

  // PyTorch's outputs after the end of a sequence are 0; ours stay as they were.
  Case packed(file(), "gru_packed");
  const Tensor x = packed.leaf("x");
  const Ids lengths = packed.ids("lengths");
  Mask mask(Shape{x.shape()[0], x.shape()[1]});
  for (Index i = 0; i < mask.count(); ++i)
    mask.mutable_keep()[static_cast<std::size_t>(i)] =
        i % x.shape()[1] < lengths.at(i / x.shape()[1]);
  const Unrolled short_walk = gru_of(packed).unroll(x, {.mask = mask});
  packed.check_value("last_h", expand_dims(short_walk.states[0], 0).value());
  packed.check(
      where(mask.reshaped(Shape{x.shape()[0], x.shape()[1], 1}), short_walk.outputs, scalar(0)));
}

TEST_CASE(
    "convolutions are PyTorch's, with gaps, strides, padding and groups, value and gradient") {
  for (const auto& [name, dilation] :
       {std::pair("conv1d", Index(1)), std::pair("conv1d_dilation2", Index(2))}) {
    Case at(file(), name);
    at.check(channels_second(conv1d(channels_last(at.leaf("x")), kernel_of(at.leaf("weight")),
                                    {.dilation_rate = dilation}) +
                             at.leaf("bias")));
  }
  Case plain(file(), "conv2d"), strided(file(), "conv2d_stride2_pad1"),
      grouped(file(), "conv2d_groups3");
  plain.check(
      channels_second(conv2d(channels_last(plain.leaf("x")), kernel_of(plain.leaf("weight"))) +
                      plain.leaf("bias")));
  strided.check(channels_second(conv2d(padded(channels_last(strided.leaf("x")), 0),
                                       kernel_of(strided.leaf("weight")), {.strides = {2, 2}}) +
                                strided.leaf("bias")));

  const std::vector<Tensor> images = split(padded(channels_last(grouped.leaf("x")), 0), 3),
                            kernels = split(kernel_of(grouped.leaf("weight")), 3);
  std::vector<Tensor> parts;
  for (std::size_t group = 0; group < 3; ++group)
    parts.push_back(conv2d(images[group], kernels[group]));
  grouped.check(channels_second(concat(parts) + grouped.leaf("bias")));
}

TEST_CASE("pooling is PyTorch's, with padding that counts and that does not, value and gradient") {
  const Pool1DOptions one{.pool_size = 3, .strides = 2};
  const Pool2DOptions two{.pool_size = {3, 3}, .strides = {2, 2}};
  const real lowest = -std::numeric_limits<real>::infinity();
  const std::pair<const char*, std::function<Tensor(const Tensor&)>> rows[] = {
      {"max_pool1d_3_2", [&](const Tensor& x) { return max_pool1d(x, one); }},
      {"max_pool2d_3_2", [&](const Tensor& x) { return max_pool2d(x, two); }},
      {"max_pool2d_3_2_pad1", [&](const Tensor& x) { return max_pool2d(padded(x, lowest), two); }},
      {"avg_pool1d_3_2", [&](const Tensor& x) { return average_pool1d(x, one); }},
      {"avg_pool2d_3_2", [&](const Tensor& x) { return average_pool2d(x, two); }},
      {"avg_pool2d_3_2_pad1", [&](const Tensor& x) { return average_pool2d(padded(x, 0), two); }},
      {"avg_pool2d_3_2_pad1_not_counted", [&](const Tensor& x) {
         return average_pool2d(padded(x, 0), two) /
                average_pool2d(padded(Array::full(x.shape(), 1), 0), two);
       }}};
  for (const auto& [name, function] : rows) {
    Case at(file(), name);
    at.check(channels_second(function(channels_last(at.leaf("x")))));
  }
}

// Left out, since they mean something else here:
//   embedding_padding_1   a row of the table that looks like any other but never learns; ours has
//   masks instead scatter_add_axis1     one index for each element; ours adds rows, as a table's
//   gradient does tied_max_axis1        PyTorch's max along an axis gives its gradient to the first
//   of equals; ours shares it, as its amax and Keras do
TEST_CASE(
    "the cases of torch_layers are checked here, or in golden_ops_test.cpp, or omitted for a "
    "reason") {
  golden::check_complete(file(),
                         {"layer_norm",
                          "rms_norm_eps_1e-6",
                          "rms_norm_default_eps",
                          "lstm",
                          "lstm_2_layers_bidirectional",
                          "gru",
                          "gru_packed",
                          "linear",
                          "conv1d",
                          "conv1d_dilation2",
                          "conv2d",
                          "conv2d_stride2_pad1",
                          "conv2d_groups3",
                          "max_pool1d_3_2",
                          "max_pool2d_3_2",
                          "max_pool2d_3_2_pad1",
                          "avg_pool1d_3_2",
                          "avg_pool2d_3_2",
                          "avg_pool2d_3_2_pad1",
                          "avg_pool2d_3_2_pad1_not_counted",
                          "logsumexp_axis1",
                          "cumsum_axis1",
                          "norm_axis2",
                          "var_axis2_biased",
                          "var_axis2_unbiased",
                          "prod_axis0",
                          "log_softmax_axis1",
                          "softmax_axis0",
                          "pad_flip_roll",
                          "top2_axis1",
                          "max_axis1",
                          "amax_axis1",
                          "min_axis2",
                          "tied_amax_axis1",
                          "tied_maximum_of_pairs",
                          "einsum_bij_jik_to_bk",
                          "matmul_broadcast",
                          "take_along_axis1",
                          "one_hot"},
                         {"embedding_padding_1", "scatter_add_axis1", "tied_max_axis1"});
}
