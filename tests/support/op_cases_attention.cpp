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

// q, k and v, then v of the additive score or W of the general one, then a bias of four axes. Query
// heads share key heads; without heads there are three axes.
Shapes attended(Generate& g) {
  const bool headed = g.chance(0.5);
  const auto empty = [&](Index which) { return g.wants_empty() && g.trial() / 8 % 4 == which; };
  const Index most = g.large() ? 90 : 4, batch = empty(0) ? 0 : g.integer(1, 3),
              key_heads = !headed    ? 1
                          : empty(3) ? 0
                                     : g.integer(1, 2),
              heads = headed ? key_heads * g.integer(1, 2) : 1,
              queries = empty(1) ? 0 : g.integer(g.large() ? 50 : 1, most),
              time = empty(2)         ? 0
                     : g.wants_ones() ? 1
                                      : g.integer(g.large() ? 50 : 1, most),
              width = g.large() ? g.integer(20, 40) : g.integer(1, 5);
  const auto rows = [&](Index of_heads, Index count, Index wide) {
    return headed ? Shape{batch, of_heads, count, wide} : Shape{batch, count, wide};
  };
  if (g.wants_same()) return Shapes(3, rows(heads, queries, width));
  const Index score = g.variant(3), key_width = score == 2 ? g.integer(1, 5) : width;
  Shapes shapes{rows(heads, queries, width), rows(key_heads, time, key_width),
                rows(key_heads, time, g.integer(1, 5))};
  if (score == 1) shapes.push_back(Shape{width});
  if (score == 2) shapes.push_back(Shape{width, key_width});
  const auto either = [&](Index size) { return g.chance(0.5) ? Index(1) : size; };
  if (g.chance(0.5))
    shapes.push_back(Shape{either(batch), either(heads), either(queries), either(time)});
  return shapes;
}

// One query head of one sample, on its way through plain loops.
struct Looking {
  const std::vector<Plain>& in;
  const fovea::AttentionOptions& options;
  const Mask& keep;
  Index batch, heads, key_heads, queries, time;

  Index width(std::size_t input) const { return in[input].shape[-1]; }
  bool has_bias() const { return in.size() > 3 && in.back().shape.rank() == 4; }

  // The score, and by which it is rounded.
  std::pair<wide, wide> score(Index b, Index h, Index i, Index j) const {
    const wide* const q = in[0].values.data() + ((b * heads + h) * queries + i) * width(0);
    const wide* const k =
        in[1].values.data() + ((b * key_heads + h / (heads / key_heads)) * time + j) * width(1);
    wide sum = 0, size = 0;
    const auto add = [&](wide x) { sum += x, size += std::abs(x); };
    for (Index d = 0; d < width(0); ++d)
      if (options.score == fovea::Score::additive)
        add(in[3].values[at(d)] * std::tanh(q[d] + k[d]));
      else if (options.score == fovea::Score::general)
        for (Index e = 0; e < width(1); ++e) add(q[d] * in[3].values[at(d * width(1) + e)] * k[e]);
      else
        add(q[d] * k[d]);
    if (options.score == fovea::Score::scaled_dot) sum /= std::sqrt(static_cast<wide>(width(0)));
    if (options.soft_cap > 0) sum = options.soft_cap * std::tanh(sum / options.soft_cap);
    if (has_bias()) sum += in.back().values[at(number(in.back().shape, {b, h, i, j}))];
    return {sum, size + std::abs(sum)};
  }

  // The context of a query and its weights, into rows of y.
  void query(Index b, Index h, Index i, Plain& y) const {
    std::vector<wide> weights(at(time));
    wide total = 0, spread = 1;
    for (Index j = 0; j < time; ++j) {
      if (!keep.data()[((b * heads + h) * queries + i) * time + j]) continue;
      const auto [value, size] = score(b, h, i, j);
      total += weights[at(j)] = std::exp(value);
      spread = std::max(spread, 1 + 2 * size);
    }
    const Index columns = width(2) + (options.weights ? time : 0);
    const std::size_t row = at(((b * heads + h) * queries + i) * columns);
    for (Index j = 0; j < time; ++j) {
      const wide weight = total > 0 ? weights[at(j)] / total : 0;
      const wide* const v =
          in[2].values.data() + ((b * key_heads + h / (heads / key_heads)) * time + j) * width(2);
      for (Index c = 0; c < width(2); ++c) {
        y.values[row + at(c)] += weight * v[c];
        y.scales[row + at(c)] += weight * std::abs(v[c]) * spread;
      }
      if (!options.weights) continue;
      y.values[row + at(width(2) + j)] = weight;
      y.scales[row + at(width(2) + j)] = weight * spread;
    }
  }
};

fovea::AttentionMask draw_pattern(const Shape& scores, Generate& g) {
  fovea::AttentionMask mask{.causal = g.chance(0.3)};
  if (g.chance(0.3)) mask.window = g.integer(1, 5);
  if (g.chance(0.3)) mask.keep = g.mask(Shape{scores[0], scores[3]}, 0.7);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{scores[0], scores[2]}, 0.7);
  if (g.chance(0.2)) mask.align = fovea::Alignment::last;
  if (g.chance(0.2)) mask.global = g.mask(Shape{scores[0], scores[3]}, 0.3);
  if (g.chance(0.2)) mask.pairs = g.mask(Shape{1, scores[1], scores[2], scores[3]}, 0.7);
  return mask;
}

Call attention_call(const Shapes& shapes, Generate& g) {
  const bool headed = shapes[0].rank() == 4;
  const Index heads = headed ? shapes[0][1] : 1, key_heads = headed ? shapes[1][1] : 1;
  const Shape scores{shapes[0][0], heads, shapes[0][-2], shapes[1][-2]};
  const int given = shapes.size() > 3 ? shapes[3].rank() : 0;
  const bool biased = shapes.size() > 3 && shapes.back().rank() == 4;
  fovea::AttentionOptions options{.score = given == 1      ? fovea::Score::additive
                                           : given == 2    ? fovea::Score::general
                                           : g.chance(0.5) ? fovea::Score::dot
                                                           : fovea::Score::scaled_dot,
                                  .soft_cap = fovea::real(g.chance(0.3) ? 1.5 : 0),
                                  .mask = draw_pattern(scores, g),
                                  .weights = g.chance(0.5)};
  const Mask keep = options.mask.dense(scores);
  return {[=](Inputs x) {
            fovea::AttentionOptions how = options;
            if (given == 1 || given == 2) how.score_weights = x[3];
            if (biased) how.bias = x.back();
            const fovea::Attended a = fovea::attention(x[0], x[1], x[2], how);
            return how.weights ? fovea::concat({a.context, a.weights()}, -1) : a.context;
          },
          [=](const std::vector<Plain>& in) {
            const Looking looks{in,    options,   keep,      scores[0],
                                heads, key_heads, scores[2], scores[3]};
            Plain y(shapes[0].with(-1, shapes[2][-1] + (options.weights ? scores[3] : 0)));
            y.scales.resize(y.values.size());
            for (Index b = 0; b < scores[0]; ++b)
              for (Index h = 0; h < heads; ++h)
                for (Index i = 0; i < scores[2]; ++i) looks.query(b, h, i, y);
            return y;
          },
          fmt::format("score {}, soft_cap {}, causal {}, window {}, weights {}{}",
                      static_cast<int>(options.score), options.soft_cap, options.mask.causal,
                      options.mask.window.value_or(0), options.weights, text(options.mask.keep))};
}

}  // namespace

std::vector<OpCase> attention_cases() {
  return {{"attention", {-1, 1}, 16, attended, attention_call},
          {"attention_weights", {-3, 3}, 4, scores, attention_weights_call},
          {"additive_pool", {-1, 1}, 8, pooled, additive_pool_call}};
}

}  // namespace support
