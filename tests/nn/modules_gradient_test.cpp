// The gradient of every module by its input and all its parameters, against differences, on drawn
// shapes, options and masks. Sharp in double, and done there only; attention_gradient_test.cpp does
// the same for attention.
#include <doctest/doctest.h>

#include <cstdio>

#include "fovea/fovea.hpp"
#include "support/generate.hpp"
#include "support/gradcheck.hpp"

using namespace fovea;
using support::Generate;

namespace {

constexpr Index trials = 24;
Index checks = 0;

constexpr Activation activations[] = {Activation::linear, Activation::sigmoid, Activation::tanh,
                                      Activation::softmax};

// Calls the module with its parameters replaced by tensors, in the order of its list.
template <class Module, class Call>
Tensor call_with(Module module, support::Inputs tensors, const Call& call) {
  std::size_t next = 0;
  for_each_parameter(module, [&](const std::string&, Tensor& tensor) { tensor = tensors[next++]; });
  return call(static_cast<const Module&>(module));
}

// The parameters of a module that is built, drawn anew: some start as zeros, where a wrong gradient
// may look right.
template <class Module>
std::vector<Array> draw_parameters(const Module& module, Generate& g) {
  std::vector<Array> arrays;
  for (const NamedParameter& parameter : parameters_of(module))
    arrays.push_back(g.array(parameter.tensor.shape(), {-1, 1}));
  return arrays;
}

// Checks a module on (batch, sample...): by x, which takes what is in `range`, and by its
// parameters.
template <class Module>
void check(const char* name, Generate& g, Module module, const Shape& sample,
           const std::optional<Mask>& mask = {}, const support::Range& range = {-1, 1}) {
  CAPTURE(name);
  CAPTURE(g.trial());
  if constexpr (requires { module.build(sample, Rng(1)); }) module.build(sample, Rng(1));
  std::vector<Array> at = draw_parameters(module, g);
  at.push_back(g.array(sample.inserted(0, mask ? mask->shape()[0] : g.integer(1, 3)), range));
  Index comparisons = 0;
  const auto f = [&](support::Inputs tensors) {
    return call_with(module, tensors, [&](const Module& m) {
      const Context context{.training = true, .seed = 3, .step = 0};
      if constexpr (requires { m(tensors.back(), mask, context); })
        return m(tensors.back(), mask, context);
      else
        return m(tensors.back(), context);
    });
  };
  CHECK(gradcheck(f, at, g, comparisons) == "");
  ++checks;
}

std::optional<Mask> maybe_mask(Generate& g, Index time) {
  if (g.chance(0.4)) return std::nullopt;
  return g.mask(Shape{g.integer(1, 3), time}, 0.7);
}

}  // namespace

TEST_CASE("gradients of every module are differences") {
  for (Index trial = 0; trial < trials; ++trial) {
    Generate g("modules", trial);
    const Index time = g.integer(3, 6), features = g.integer(1, 5), rows = g.integer(3, 5);
    const Shape sequence{time, features}, picture{rows, time, features};
    const Activation activation = activations[trial % 4];
    const Index least = activation == Activation::softmax ? 2 : 1;  // over one unit it is refused
    const Padding padding = trial % 2 ? Padding::same : Padding::valid;
    const support::Range apart{-1, 1, {}, 0, true};  // maxima are told apart, also after a step

    check("Dense", g,
          Dense{.units = g.integer(least, 5), .activation = activation, .use_bias = g.chance(0.7)},
          sequence);
    check("LayerNormalization", g, LayerNormalization{}, Shape{time, features + 1});
    check("RMSNormalization", g, RMSNormalization{}, sequence);
    check("Conv1D", g,
          Conv1D{.filters = g.integer(least, 4),
                 .kernel_size = g.integer(1, 3),
                 .options = {.strides = g.integer(1, 2), .padding = padding},
                 .activation = activation},
          sequence);
    check("Conv2D", g,
          Conv2D{.filters = g.integer(least, 3),
                 .kernel_size = {g.integer(1, 3), g.integer(1, 3)},
                 .options = {.padding = padding},
                 .activation = activation},
          picture);
    check("MaxPooling1D", g, MaxPooling1D{{.pool_size = g.integer(1, 3), .padding = padding}},
          sequence, {}, apart);
    check("MaxPooling2D", g, MaxPooling2D{{.pool_size = {2, g.integer(1, 3)}, .padding = padding}},
          picture, {}, apart);
    check("AveragePooling1D", g,
          AveragePooling1D{{.pool_size = g.integer(1, 3), .padding = padding}}, sequence);
    check("AveragePooling2D", g,
          AveragePooling2D{{.pool_size = {2, g.integer(1, 3)}, .padding = padding}}, picture);
    check("GlobalAveragePooling1D", g, GlobalAveragePooling1D{}, sequence, maybe_mask(g, time));
    check("GRU", g,
          GRU{.units = g.integer(1, 4),
              .return_sequences = g.chance(0.5),
              .go_backwards = g.chance(0.5),
              .reset_after = g.chance(0.5),
              .use_bias = g.chance(0.7)},
          sequence, maybe_mask(g, time));
    check("LSTM", g,
          LSTM{.units = g.integer(1, 4),
               .return_sequences = g.chance(0.5),
               .go_backwards = g.chance(0.5),
               .use_bias = g.chance(0.7)},
          sequence, maybe_mask(g, time));
    check("Dropout", g, Dropout{real(0.4)}, sequence);
    check("Residual", g,
          Residual<Dense>{
              {.units = features, .activation = features < least ? Activation::tanh : activation}},
          sequence);
    check("AttentionLayer", g,
          AttentionLayer{.units = g.integer(1, 4),
                         .use_bias = g.chance(0.7),
                         .dropout = real(trial % 3 == 0 ? 0.3 : 0)},
          sequence, maybe_mask(g, time));
    const real dropout = trial % 3 == 0 ? real(0.3) : real(0);
    const Index shared = g.integer(1, 2), key_heads = g.integer(1, 2);
    check("MultiHeadAttention", g,
          MultiHeadAttention{.num_heads = shared * key_heads,
                             .key_dim = g.integer(1, 3),
                             .value_dim = g.integer(0, 3),
                             .use_bias = g.chance(0.7),
                             .dropout = dropout,
                             .num_key_value_heads = key_heads,
                             .causal = g.chance(0.3),
                             .window = g.integer(0, 2),
                             .soft_cap = g.chance(0.3) ? real(0.7) : real(0),
                             .output_dim = g.integer(0, 3)},
          sequence, maybe_mask(g, time));
    check("Attention", g,
          Attention{.use_scale = g.chance(0.5),
                    .score_mode = g.chance(0.5) ? ScoreMode::dot : ScoreMode::concat,
                    .dropout = dropout,
                    .causal = g.chance(0.3)},
          sequence, maybe_mask(g, time));
    check(
        "AdditiveAttention", g,
        AdditiveAttention{.use_scale = g.chance(0.7), .dropout = dropout, .causal = g.chance(0.3)},
        sequence, maybe_mask(g, time));
  }
}

TEST_CASE("gradients of attention over other inputs are differences, by query, key and value too") {
  for (Index trial = 0; trial < trials; ++trial) {
    Generate g("cross attention", trial);
    const Index batch = g.integer(1, 2), queries = g.integer(1, 4), time = g.integer(1, 4);
    MultiHeadAttention layer{.num_heads = 2,
                             .key_dim = g.integer(1, 3),
                             .value_features = g.integer(1, 3),
                             .key_features = g.integer(1, 3)};
    const Index features = g.integer(1, 4);
    layer.build(Shape{queries, features}, Rng(1));
    std::vector<Array> at = draw_parameters(layer, g);
    for (const Shape& shape :
         {Shape{batch, queries, features}, Shape{batch, time, layer.key_features},
          Shape{batch, time, layer.value_features}, Shape{batch, 1, 1, time}})
      at.push_back(g.array(shape, {-1, 1}));
    const Mask keep = g.mask(Shape{batch, time}, 0.7);
    Index comparisons = 0;
    const auto f = [&](support::Inputs tensors) {
      const std::size_t last = tensors.size() - 4;
      return call_with(layer, tensors, [&](const MultiHeadAttention& m) {
        return m
            .attend(tensors[last], {.value = tensors[last + 2],
                                    .key = tensors[last + 1],
                                    .mask = {.keep = keep},
                                    .bias = tensors[last + 3]})
            .context;
      });
    };
    CHECK(gradcheck(f, at, g, comparisons) == "");
    ++checks;
  }
}

TEST_CASE("the gradient of an Embedding by its table is a difference, with ids that repeat") {
  for (Index trial = 0; trial < trials; ++trial) {
    Generate g("embedding", trial);
    const Index words = g.integer(1, 6);
    const Embedding embedding{.input_dim = words, .output_dim = g.integer(1, 4)};
    const Ids ids = g.ids(Shape{g.integer(1, 3), g.integer(1, 5)}, words);
    Index comparisons = 0;
    const auto f = [&](support::Inputs tensors) {
      return call_with(embedding, tensors, [&](const Embedding& m) { return m(ids); });
    };
    CHECK(gradcheck(f, {g.array(Shape{words, embedding.output_dim}, {-1, 1})}, g, comparisons) ==
          "");
    ++checks;
  }
  std::printf("figure: module gradient checks = %lld\n", static_cast<long long>(checks));
}
