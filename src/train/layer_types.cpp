#include "train/layer_types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/convolution.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/multi_head_attention.hpp"
#include "fovea/nn/norm.hpp"
#include "fovea/nn/pooling.hpp"
#include "fovea/nn/recurrent.hpp"
#include "fovea/nn/residual.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

namespace {

// Names of enumerators, in their order.

template <class E>
constexpr std::array<const char*, 0> names = {};
template <>
constexpr std::array names<Activation> = {"linear", "relu", "sigmoid", "tanh",       "softmax",
                                          "gelu",   "silu", "elu",     "leaky_relu", "softplus"};
template <>
constexpr std::array names<Padding> = {"valid", "same", "causal"};
template <>
constexpr std::array names<Reading> = {"pool", "per_position", "query"};
template <>
constexpr std::array names<Score> = {"additive", "dot", "scaled_dot", "general"};
template <>
constexpr std::array names<ScoreMode> = {"dot", "concat"};

// The options of each type.

void options_of(Embedding& m, auto&& visit) {
  visit("input_dim", m.input_dim);
  visit("output_dim", m.output_dim);
  visit("mask_zero", m.mask_zero);
}
void options_of(AttentionLayer& m, auto&& visit) {
  visit("units", m.units);
  visit("reading", m.reading);
  visit("score", m.score);
  visit("use_bias", m.use_bias);
  visit("causal", m.causal);
  visit("learned_query", m.learned_query);
  visit("dropout", m.dropout);
  visit("window", m.window);
}
void options_of(Attention& m, auto&& visit) {
  visit("use_scale", m.use_scale);
  visit("score_mode", m.score_mode);
  visit("dropout", m.dropout);
  visit("causal", m.causal);
}
void options_of(AdditiveAttention& m, auto&& visit) {
  visit("use_scale", m.use_scale);
  visit("dropout", m.dropout);
  visit("causal", m.causal);
}
void options_of(MultiHeadAttention& m, auto&& visit) {
  visit("num_heads", m.num_heads);
  visit("key_dim", m.key_dim);
  visit("value_dim", m.value_dim);
  visit("use_bias", m.use_bias);
  visit("dropout", m.dropout);
  visit("num_key_value_heads", m.num_key_value_heads);
  visit("causal", m.causal);
  visit("window", m.window);
  visit("soft_cap", m.soft_cap);
  visit("output_dim", m.output_dim);
  visit("value_features", m.value_features);
  visit("key_features", m.key_features);
}
void options_of(Dense& m, auto&& visit) {
  visit("units", m.units);
  visit("activation", m.activation);
  visit("use_bias", m.use_bias);
}
void options_of(Dropout& m, auto&& visit) { visit("rate", m.rate); }
void options_of(DropMask&, auto&&) {}
void options_of(GlobalAveragePooling1D&, auto&&) {}
void options_of(LayerNormalization& m, auto&& visit) { visit("epsilon", m.epsilon); }
void options_of(RMSNormalization& m, auto&& visit) { visit("epsilon", m.epsilon); }

template <class M>
concept Pooling = requires(M& m) {
  m.options.pool_size;
};
void options_of(Pooling auto& m, auto&& visit) {
  visit("pool_size", m.options.pool_size);
  visit("strides", m.options.strides);
  visit("padding", m.options.padding);
}
template <class M>
concept Convolution = requires(M& m) {
  m.options.dilation_rate;
};
void options_of(Convolution auto& m, auto&& visit) {
  visit("filters", m.filters);
  visit("kernel_size", m.kernel_size);
  visit("strides", m.options.strides);
  visit("padding", m.options.padding);
  visit("dilation_rate", m.options.dilation_rate);
  visit("activation", m.activation);
  visit("use_bias", m.use_bias);
}
void options_of(GRU& m, auto&& visit) {
  visit("units", m.units);
  visit("return_sequences", m.return_sequences);
  visit("go_backwards", m.go_backwards);
  visit("reset_after", m.reset_after);
  visit("use_bias", m.use_bias);
}
void options_of(LSTM& m, auto&& visit) {
  visit("units", m.units);
  visit("return_sequences", m.return_sequences);
  visit("go_backwards", m.go_backwards);
  visit("use_bias", m.use_bias);
  visit("unit_forget_bias", m.unit_forget_bias);
}
template <class M>
void options_of(Residual<M>& m, auto&& visit) {
  options_of(m.module, visit);
}

// Members that were initialised from options follow them.
template <class M>
M finished(M module) {
  return module;
}
AttentionLayer finished(const AttentionLayer& m) {
  return {.units = m.units,
          .reading = m.reading,
          .score = m.score,
          .use_bias = m.use_bias,
          .causal = m.causal,
          .learned_query = m.learned_query,
          .dropout = m.dropout,
          .window = m.window};
}
template <class M>
Residual<M> finished(const Residual<M>& m) {
  return {finished(m.module)};
}

// The shapes of the parameters of each type.

using Shapes = std::vector<ExpectedShape>;

void add_if(Shapes& shapes, bool there_is_one, const std::string& path, const Shape& shape) {
  if (there_is_one) shapes.emplace_back(path, shape);
}

Shapes shapes_of(const Embedding& m, const Shape&) {
  return {{"embeddings", Shape{m.input_dim, m.output_dim}}};
}
Shapes shapes_of(const AttentionLayer& m, const Shape& sample) {
  const Index features = sample[-1];
  const bool general = m.score == Score::general;
  Shapes shapes = {{"W1/kernel", Shape{features, general ? features : m.units}}};
  add_if(shapes, m.use_bias && !general, "W1/bias", Shape{m.units});
  if (!general) {
    shapes.emplace_back("W2/kernel", Shape{features, m.units});
    add_if(shapes, m.use_bias, "W2/bias", Shape{m.units});
  }
  if (m.score == Score::additive) {
    shapes.emplace_back("V/kernel", Shape{m.units, 1});
    add_if(shapes, m.use_bias, "V/bias", Shape{1});
  }
  add_if(shapes, m.reading == Reading::query && m.learned_query, "query", Shape{features});
  return shapes;
}
Shapes shapes_of(const Attention& m, const Shape&) {
  Shapes shapes;
  add_if(shapes, m.use_scale, "scale", Shape());
  add_if(shapes, m.score_mode == ScoreMode::concat, "concat_score_weight", Shape());
  return shapes;
}
Shapes shapes_of(const AdditiveAttention& m, const Shape& sample) {
  Shapes shapes;
  add_if(shapes, m.use_scale, "scale", Shape{sample[-1]});
  return shapes;
}
Shapes shapes_of(const MultiHeadAttention& m, const Shape& sample) {
  const auto or_else = [](Index given, Index otherwise) { return given > 0 ? given : otherwise; };
  const Index features = sample[-1], value_features = or_else(m.value_features, features),
              key_heads = or_else(m.num_key_value_heads, m.num_heads),
              value_dim = or_else(m.value_dim, m.key_dim);
  Shapes shapes;
  const auto add = [&](const std::string& name, Index inputs, Index units) {
    shapes.emplace_back(name + "/kernel", Shape{inputs, units});
    add_if(shapes, m.use_bias, name + "/bias", Shape{units});
  };
  add("query", features, m.num_heads * m.key_dim);
  add("key", or_else(m.key_features, value_features), key_heads * m.key_dim);
  add("value", value_features, key_heads * value_dim);
  add("attention_output", m.num_heads * value_dim, or_else(m.output_dim, features));
  return shapes;
}
Shapes shapes_of(const Dense& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{sample[-1], m.units}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.units});
  return shapes;
}
Shapes shapes_of(const LayerNormalization&, const Shape& sample) {
  return {{"gamma", Shape{sample[-1]}}, {"beta", Shape{sample[-1]}}};
}
Shapes shapes_of(const RMSNormalization&, const Shape& sample) {
  return {{"gamma", Shape{sample[-1]}}};
}
Shapes shapes_of(const Conv1D& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{m.kernel_size, sample[-1], m.filters}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.filters});
  return shapes;
}
Shapes shapes_of(const Conv2D& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{m.kernel_size[0], m.kernel_size[1], sample[-1], m.filters}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.filters});
  return shapes;
}
Shapes shapes_of(const GRU& m, const Shape& sample) {
  const Index gates = 3 * m.units;
  Shapes shapes = {{"kernel", Shape{sample[-1], gates}},
                   {"recurrent_kernel", Shape{m.units, gates}}};
  add_if(shapes, m.use_bias, "bias", m.reset_after ? Shape{2, gates} : Shape{gates});
  return shapes;
}
Shapes shapes_of(const LSTM& m, const Shape& sample) {
  const Index gates = 4 * m.units;
  Shapes shapes = {{"kernel", Shape{sample[-1], gates}},
                   {"recurrent_kernel", Shape{m.units, gates}}};
  add_if(shapes, m.use_bias, "bias", Shape{gates});
  return shapes;
}
template <class M>
Shapes shapes_of(const Residual<M>& m, const Shape& sample) {
  Shapes shapes = shapes_of(m.module, sample);
  for (auto& [path, shape] : shapes) path = "module/" + path;
  return shapes;
}
template <class M>
Shapes shapes_of(const M&, const Shape&) {
  return {};
}

// From and to files

template <class T>
OptionValue value_of(const T& option) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Index>)
    return option;
  else if constexpr (std::is_same_v<T, real>)
    return static_cast<double>(option);
  else if constexpr (std::is_enum_v<T>)
    return std::string(names<T>.at(static_cast<std::size_t>(option)));
  else
    return std::vector<std::int64_t>(option.begin(), option.end());
}

// Takes the options of a map one after the other.
struct Taker {
  const ModuleOptions& options;
  std::vector<std::string> known = {};

  template <class T>
  void operator()(const char* name, T& to) {
    known.emplace_back(name);
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Index>) {
      to = option_value<T>(options, name);
    } else if constexpr (std::is_same_v<T, real>) {
      to = static_cast<real>(option_value<double>(options, name));
    } else if constexpr (std::is_enum_v<T>) {
      const std::string& text = option_value<std::string>(options, name);
      const auto found = std::ranges::find(names<T>, text);
      if (found == names<T>.end())
        throw ValueError(fmt::format("option \"{}\": there is no \"{}\"; there are: {}", name, text,
                                     fmt::join(names<T>, ", ")));
      to = static_cast<T>(found - names<T>.begin());
    } else {
      const auto& list = option_value<std::vector<std::int64_t>>(options, name);
      if (list.size() != to.size())
        throw ValueError(fmt::format("option \"{}\": expected {} numbers, got {}", name, to.size(),
                                     list.size()));
      std::ranges::copy(list, to.begin());
    }
  }

  void refuse_others() const {
    for (const auto& [name, value] : options)
      if (std::ranges::find(known, name) == known.end())
        throw ValueError(
            fmt::format("option \"{}\" is not known; there are: {}", name, fmt::join(known, ", ")));
  }
};

template <class M>
LayerType type(const char* name) {
  return {
      name,
      {[](const Layer& layer) -> std::optional<ModuleOptions> {
         M* const module = layer.as<M>();
         if (!module) return std::nullopt;
         ModuleOptions options;
         options_of(*module, [&](const char* key, auto& value) { options[key] = value_of(value); });
         return options;
       },
       [](const ModuleOptions& options) {
         M module{};
         Taker taker{options};
         options_of(module, taker);
         taker.refuse_others();
         return Layer(finished(module));
       }},
      [](const Layer& layer, const Shape& sample) { return shapes_of(*layer.as<M>(), sample); }};
}

}  // namespace

const std::vector<LayerType>& layer_types() {
  static const std::vector<LayerType> types = {
      type<Embedding>("Embedding"),
      type<AttentionLayer>("AttentionLayer"),
      type<Attention>("Attention"),
      type<AdditiveAttention>("AdditiveAttention"),
      type<MultiHeadAttention>("MultiHeadAttention"),
      type<Dense>("Dense"),
      type<Dropout>("Dropout"),
      type<DropMask>("DropMask"),
      type<LayerNormalization>("LayerNormalization"),
      type<RMSNormalization>("RMSNormalization"),
      type<Conv1D>("Conv1D"),
      type<Conv2D>("Conv2D"),
      type<MaxPooling1D>("MaxPooling1D"),
      type<MaxPooling2D>("MaxPooling2D"),
      type<AveragePooling1D>("AveragePooling1D"),
      type<AveragePooling2D>("AveragePooling2D"),
      type<GlobalAveragePooling1D>("GlobalAveragePooling1D"),
      type<GRU>("GRU"),
      type<LSTM>("LSTM"),
      type<Residual<Dense>>("Residual<Dense>"),
      type<Residual<AttentionLayer>>("Residual<AttentionLayer>"),
      type<Residual<Attention>>("Residual<Attention>"),
      type<Residual<AdditiveAttention>>("Residual<AdditiveAttention>"),
      type<Residual<MultiHeadAttention>>("Residual<MultiHeadAttention>"),
      type<Residual<Conv1D>>("Residual<Conv1D>"),
      type<Residual<GRU>>("Residual<GRU>"),
      type<Residual<LSTM>>("Residual<LSTM>"),
  };
  return types;
}

}}}  // namespace fovea::train
