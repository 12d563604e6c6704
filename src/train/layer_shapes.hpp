// The shapes of the parameters of each type of layer, for samples of a shape.
#pragma once

#include <string>

#include "fovea/nn/attention.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/bidirectional.hpp"
#include "fovea/nn/convolution.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/multi_head_attention.hpp"
#include "fovea/nn/norm.hpp"
#include "fovea/nn/residual.hpp"
#include "fovea/nn/time_distributed.hpp"
#include "train/layer_types.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

using Shapes = std::vector<ExpectedShape>;

template <class M>
Shapes shapes_of(const M&, const Shape&) {
  return {};
}

inline void add_if(Shapes& shapes, bool there_is_one, const std::string& path, const Shape& shape) {
  if (there_is_one) shapes.emplace_back(path, shape);
}

inline Shapes shapes_of(const Embedding& m, const Shape&) {
  return {{"embeddings", Shape{m.input_dim, m.output_dim}}};
}
inline Shapes shapes_of(const AttentionLayer& m, const Shape& sample) {
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
inline Shapes shapes_of(const Attention& m, const Shape&) {
  Shapes shapes;
  add_if(shapes, m.use_scale, "scale", Shape());
  add_if(shapes, m.score_mode == ScoreMode::concat, "concat_score_weight", Shape());
  return shapes;
}
inline Shapes shapes_of(const AdditiveAttention& m, const Shape& sample) {
  Shapes shapes;
  add_if(shapes, m.use_scale, "scale", Shape{sample[-1]});
  return shapes;
}
inline Shapes shapes_of(const MultiHeadAttention& m, const Shape& sample) {
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
inline Shapes shapes_of(const Dense& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{sample[-1], m.units}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.units});
  return shapes;
}
inline Shapes shapes_of(const LayerNormalization&, const Shape& sample) {
  return {{"gamma", Shape{sample[-1]}}, {"beta", Shape{sample[-1]}}};
}
inline Shapes shapes_of(const BatchNormalization&, const Shape& sample) {
  const Shape features{sample[-1]};
  return {{"gamma", features},
          {"beta", features},
          {"moving_mean", features},
          {"moving_variance", features}};
}
inline Shapes shapes_of(const RMSNormalization&, const Shape& sample) {
  return {{"gamma", Shape{sample[-1]}}};
}
inline Shapes shapes_of(const Conv1D& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{m.kernel_size, sample[-1], m.filters}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.filters});
  return shapes;
}
inline Shapes shapes_of(const Conv2D& m, const Shape& sample) {
  Shapes shapes = {{"kernel", Shape{m.kernel_size[0], m.kernel_size[1], sample[-1], m.filters}}};
  add_if(shapes, m.use_bias, "bias", Shape{m.filters});
  return shapes;
}
inline Shapes shapes_of(const GRU& m, const Shape& sample) {
  const Index gates = 3 * m.units;
  Shapes shapes = {{"kernel", Shape{sample[-1], gates}},
                   {"recurrent_kernel", Shape{m.units, gates}}};
  add_if(shapes, m.use_bias, "bias", m.reset_after ? Shape{2, gates} : Shape{gates});
  return shapes;
}
inline Shapes shapes_of(const LSTM& m, const Shape& sample) {
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
Shapes shapes_of(const Bidirectional<M>& m, const Shape& sample) {
  Shapes shapes;
  for (const char* direction : {"forward/", "backward/"})
    for (const auto& [path, shape] : shapes_of(m.layer, sample))
      shapes.emplace_back(direction + path, shape);
  return shapes;
}
template <class M>
Shapes shapes_of(const TimeDistributed<M>& m, const Shape& sample) {
  Shapes shapes = shapes_of(m.layer, sample.without(0));
  for (auto& [path, shape] : shapes) path = "layer/" + path;
  return shapes;
}

}}}  // namespace fovea::train
