#include "train/layer_types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/bidirectional.hpp"
#include "fovea/nn/convolution.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/multi_head_attention.hpp"
#include "fovea/nn/norm.hpp"
#include "fovea/nn/pooling.hpp"
#include "fovea/nn/recurrent.hpp"
#include "fovea/nn/residual.hpp"
#include "fovea/nn/shaping.hpp"
#include "fovea/nn/time_distributed.hpp"
#include "train/layer_shapes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

namespace {

// Names of enumerators, in their order.

template <class E>
constexpr std::array<const char*, 0> names = {};
template <>
constexpr std::array names<Activation> = {"linear", "relu", "sigmoid", "tanh",       "softmax",
                                          "gelu",   "silu", "elu",     "leaky_relu", "softplus"};
template <>
constexpr std::array names<Merge> = {"concat", "sum", "mul", "ave"};
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
void options_of(GlobalAveragePooling2D&, auto&&) {}
void options_of(GlobalMaxPooling1D&, auto&&) {}
void options_of(GlobalMaxPooling2D&, auto&&) {}
void options_of(Flatten&, auto&&) {}
void options_of(Reshape& m, auto&& visit) { visit("target_shape", m.target_shape); }
void options_of(Permute& m, auto&& visit) { visit("dims", m.dims); }
void options_of(ActivationLayer& m, auto&& visit) { visit("activation", m.activation); }
void options_of(LayerNormalization& m, auto&& visit) { visit("epsilon", m.epsilon); }
void options_of(BatchNormalization& m, auto&& visit) {
  visit("momentum", m.momentum);
  visit("epsilon", m.epsilon);
}
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
template <class M>
void options_of(TimeDistributed<M>& m, auto&& visit) {
  options_of(m.layer, visit);
}
template <class M>
void options_of(Bidirectional<M>& m, auto&& visit) {
  options_of(m.layer, visit);
  visit("merge_mode", m.merge_mode);
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
template <class M>
Bidirectional<M> finished(const Bidirectional<M>& m) {
  return {m.layer, m.merge_mode};
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
    // Files from before this option have none: the default stays.
    if (std::string_view(name) == "go_backwards" && !options.contains(name)) return;
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
      if constexpr (std::is_same_v<T, std::vector<Index>>) to.resize(list.size());
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

// Modules that call another one.
std::vector<LayerType> wrapping_types() {
  return {
      type<Bidirectional<GRU>>("Bidirectional<GRU>"),
      type<Bidirectional<LSTM>>("Bidirectional<LSTM>"),
      type<TimeDistributed<Dense>>("TimeDistributed<Dense>"),
      type<TimeDistributed<Conv1D>>("TimeDistributed<Conv1D>"),
      type<TimeDistributed<Conv2D>>("TimeDistributed<Conv2D>"),
      type<TimeDistributed<Flatten>>("TimeDistributed<Flatten>"),
      type<Residual<Dense>>("Residual<Dense>"),
      type<Residual<AttentionLayer>>("Residual<AttentionLayer>"),
      type<Residual<Attention>>("Residual<Attention>"),
      type<Residual<AdditiveAttention>>("Residual<AdditiveAttention>"),
      type<Residual<MultiHeadAttention>>("Residual<MultiHeadAttention>"),
      type<Residual<Conv1D>>("Residual<Conv1D>"),
      type<Residual<GRU>>("Residual<GRU>"),
      type<Residual<LSTM>>("Residual<LSTM>"),
  };
}

}  // namespace

const std::vector<LayerType>& layer_types() {
  static const std::vector<LayerType> types = [] {
    std::vector<LayerType> all = {
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
        type<BatchNormalization>("BatchNormalization"),
        type<Conv1D>("Conv1D"),
        type<Conv2D>("Conv2D"),
        type<MaxPooling1D>("MaxPooling1D"),
        type<MaxPooling2D>("MaxPooling2D"),
        type<AveragePooling1D>("AveragePooling1D"),
        type<AveragePooling2D>("AveragePooling2D"),
        type<GlobalAveragePooling1D>("GlobalAveragePooling1D"),
        type<GlobalAveragePooling2D>("GlobalAveragePooling2D"),
        type<GlobalMaxPooling1D>("GlobalMaxPooling1D"),
        type<GlobalMaxPooling2D>("GlobalMaxPooling2D"),
        type<Flatten>("Flatten"),
        type<Reshape>("Reshape"),
        type<Permute>("Permute"),
        type<ActivationLayer>("ActivationLayer"),
        type<GRU>("GRU"),
        type<LSTM>("LSTM"),
    };
    const std::vector<LayerType> wrapping = wrapping_types();
    all.insert(all.end(), wrapping.begin(), wrapping.end());
    return all;
  }();
  return types;
}

}}}  // namespace fovea::train
