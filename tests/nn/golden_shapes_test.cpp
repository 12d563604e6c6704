// Layers as Keras computes them: every case of keras_shapes.npz, value and gradient.
#include <doctest/doctest.h>

#include "fovea/fovea.hpp"
#include "nn/golden_case.hpp"

using namespace fovea;
using golden::Case;

namespace {

const NumpyArchive& file() {
  static const NumpyArchive opened = golden::open("keras_shapes");
  return opened;
}

template <class Module>
void check(const char* name, const Module& module) {
  Case at(file(), name);
  at.check(module(at.leaf("x")));
}

// The weights of both directions stand one after the other.
template <class M>
Bidirectional<M> both(Case& at, bool whole, Merge merge) {
  const Index units = file().shape(at.name() + "__w1_recurrent_kernel")[0];
  Bidirectional<M> result{M{.units = units, .return_sequences = whole}, merge};
  int number = 0;
  for (M* layer : {&result.layer, &result.backward})
    for (auto [tensor, name] :
         {std::pair(&layer->kernel, "kernel"),
          std::pair(&layer->recurrent_kernel, "recurrent_kernel"), std::pair(&layer->bias, "bias")})
      *tensor = at.leaf("w" + std::to_string(number++) + "_" + name);
  return result;
}

}  // namespace

TEST_CASE("Flatten, Reshape, Permute and ActivationLayer are Keras', value and gradient") {
  check("flatten", Flatten{});
  check("reshape", Reshape{{5, -1}});
  check("permute", Permute{{3, 1, 2}});
  check("activation_gelu", ActivationLayer{Activation::gelu});
  check("activation_softmax", ActivationLayer{Activation::softmax});
}

TEST_CASE("pooling of whole samples is Keras', value and gradient") {
  check("global_average_pool2d", GlobalAveragePooling2D{});
  check("global_max_pool1d", GlobalMaxPooling1D{});
  check("global_max_pool2d", GlobalMaxPooling2D{});
}

TEST_CASE("Bidirectional is Keras', in each mode and with masks, value and gradient") {
  for (const auto& [mode, name] : {std::pair(Merge::concat, "concat"), std::pair(Merge::sum, "sum"),
                                   std::pair(Merge::mul, "mul"), std::pair(Merge::ave, "ave")}) {
    Case at(file(), std::string("bidirectional_gru_") + name);
    const auto layer = both<GRU>(at, true, mode);
    at.check(layer(at.leaf("x")));
  }
  Case last(file(), "bidirectional_lstm_last"), masked(file(), "bidirectional_gru_masked"),
      masked_last(file(), "bidirectional_lstm_masked_last");
  const auto lstm = both<LSTM>(last, false, Merge::concat);
  last.check(lstm(last.leaf("x")));
  const auto gru = both<GRU>(masked, true, Merge::concat);
  masked.check(gru(masked.leaf("x"), masked.mask("mask")));
  const auto lstm_masked = both<LSTM>(masked_last, false, Merge::concat);
  masked_last.check(lstm_masked(masked_last.leaf("x"), masked_last.mask("mask")));
}

TEST_CASE("TimeDistributed is Keras', value and gradient") {
  Case at(file(), "time_distributed");
  const Tensor kernel = at.leaf("w0_kernel");
  const TimeDistributed<Dense> dense{Dense{.units = kernel.shape()[1],
                                           .activation = Activation::tanh,
                                           .kernel = kernel,
                                           .bias = at.leaf("w1_bias")}};
  at.check(dense(at.leaf("x")));
  check("time_distributed_pool", TimeDistributed<GlobalMaxPooling1D>{});
}

TEST_CASE(
    "BatchNormalization is Keras', trained and not, and so are its moving statistics behind") {
  for (const bool training : {true, false}) {
    Case at(file(), training ? "batch_norm_training" : "batch_norm_inference");
    BatchNormalization layer{.momentum = real(0.9),
                             .gamma = at.leaf("w0_gamma"),
                             .beta = at.leaf("w1_beta"),
                             .moving_mean = at.array("w2_moving_mean"),
                             .moving_variance = at.array("w3_moving_variance")};
    const Tensor x = at.leaf("x");
    layer.build(x.shape().without(0), Rng(1));
    const Tensor y = layer(x, Context{.training = training});
    at.check_value("after_mean", layer.moving_mean.value());
    at.check_value("after_variance", layer.moving_variance.value());
    at.check(y);
  }
}

TEST_CASE("no case of keras_shapes is left out") {
  golden::check_complete(
      file(),
      {"flatten", "reshape", "permute", "activation_gelu", "activation_softmax",
       "global_average_pool2d", "global_max_pool1d", "global_max_pool2d", "time_distributed",
       "time_distributed_pool", "bidirectional_gru_concat", "bidirectional_gru_sum",
       "bidirectional_gru_mul", "bidirectional_gru_ave", "bidirectional_lstm_last",
       "bidirectional_gru_masked", "bidirectional_lstm_masked_last", "batch_norm_training",
       "batch_norm_inference"},
      {});
}
