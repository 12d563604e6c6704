// Rows of the table: fused attention.
#include <cmath>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// x (batch, time, features), W1, b1, W2, b2, v.
Shapes pooled(Generate& g) {
  const Index batch = g.wants_empty() ? 0 : g.integer(1, g.large() ? 40 : 9);
  const Index time = g.wants_ones() ? 1 : g.integer(1, g.large() ? 60 : 6),
              features = g.integer(1, g.large() ? 40 : 7),
              units = g.integer(1, g.large() ? 40 : 20);
  const Shape weight{features, units}, bias{units};
  return {Shape{batch, time, features}, weight, bias, weight, bias, Shape{units, 1}};
}

wide energy(const std::vector<Plain>& in, const wide* x, Index features, Index units) {
  wide sum = 0;
  for (Index u = 0; u < units; ++u) {
    wide z = in[2].values[at(u)] + in[4].values[at(u)];
    for (Index f = 0; f < features; ++f)
      z += x[f] * (in[1].values[at(f * units + u)] + in[3].values[at(f * units + u)]);
    sum += in[5].values[at(u)] * std::tanh(z);
  }
  return sum;
}

// The composition that ops.hpp states, sample by sample: context and weights side by side. Rounding
// is measured by how far an error of the energies, a sum over units, can move the weights.
Plain pool(const std::vector<Plain>& in, const std::optional<Mask>& mask) {
  const Index batch = in[0].shape[0], time = in[0].shape[1], features = in[0].shape[2],
              units = in[1].shape[1];
  Plain y(Shape{batch, features + time});
  y.scales.resize(y.values.size());
  wide spread = 1;
  for (const wide v : in[5].values) spread += std::abs(v) * (1 + static_cast<wide>(features));
  for (Index b = 0; b < batch; ++b) {
    std::vector<wide> weights(at(time));
    wide total = 0;
    for (Index t = 0; t < time; ++t)
      if (!mask || mask->keep()[at(b * time + t)])
        total += weights[at(t)] =
            std::exp(energy(in, in[0].values.data() + (b * time + t) * features, features, units));
    for (Index t = 0; t < time; ++t) {
      const wide weight = total > 0 ? weights[at(t)] / total : 0;
      y.values[at(b * (features + time) + features + t)] = weight;
      y.scales[at(b * (features + time) + features + t)] = weight * spread;
      for (Index f = 0; f < features; ++f) {
        y.values[at(b * (features + time) + f)] +=
            weight * in[0].values[at((b * time + t) * features + f)];
        y.scales[at(b * (features + time) + f)] +=
            weight * spread * std::abs(in[0].values[at((b * time + t) * features + f)]);
      }
    }
  }
  return y;
}

Call additive_pool_call(const Shapes& shapes, Generate& g) {
  std::optional<Mask> mask;
  if (g.variant(3) != 0)
    mask = g.mask(Shape{shapes[0][0], shapes[0][1]}, g.variant(3) == 1 ? 0.7 : 0.2);
  return {[=](Inputs x) {
            const fovea::Attended a = fovea::additive_pool(x[0], x[1], x[2], x[3], x[4], x[5],
                                                           {.mask = mask, .weights = true});
            return fovea::concat({a.context, a.weights()}, 1);
          },
          [=](const auto& x) { return pool(x, mask); }, text(mask)};
}

// Scores (batch, queries, time), or with heads.
Shapes scores(Generate& g) {
  const Index batch = g.wants_empty() ? 0 : g.integer(1, g.large() ? 20 : 3);
  const Index time = g.wants_ones() ? 1 : g.integer(1, g.large() ? 400 : 9),
              queries = g.integer(1, g.large() ? 60 : 5);
  return {g.chance(0.5) ? Shape{batch, queries, time} : Shape{batch, 2, queries, time}};
}

Call attention_weights_call(const Shapes& shapes, Generate& g) {
  const Shape shape = shapes[0];
  fovea::AttentionMask mask{.causal = g.variant(2) == 1};
  if (g.chance(0.4)) mask.window = g.integer(1, 5);
  if (g.chance(0.4)) mask.keep = g.mask(Shape{shape[0], shape[-1]}, 0.7);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{shape[0], shape[-2]}, 0.7);
  return {[=](Inputs x) { return fovea::attention_weights(x[0], mask); },
          [=](const auto& x) { return plain::softmax(x[0], shape.rank() - 1, mask.dense(shape)); },
          fmt::format("causal {}, window {}, {}", mask.causal, mask.window.value_or(0),
                      text(mask.keep))};
}

}  // namespace

std::vector<OpCase> attention_cases() {
  return {{"attention_weights", {-3, 3}, 4, scores, attention_weights_call},
          {"additive_pool", {-1, 1}, 8, pooled, additive_pool_call}};
}

}  // namespace support
