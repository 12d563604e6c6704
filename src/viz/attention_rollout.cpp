// Rollout, and weights beside their gradients.
#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/viz/attention_statistics.hpp"
#include "parallel/parallel.hpp"
#include "viz/attention_rows.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::vector<Array> checked_layers(const std::vector<Array>& layers,
                                  const std::optional<Mask>& keep) {
  if (layers.empty())
    throw ValueError(
        "attention_rollout: there is no layer; give the weights of each, the first "
        "one first");
  std::vector<Array> result;
  for (const Array& layer : layers) {
    result.push_back(viz::with_heads("attention_rollout", layer));
    const Shape &shape = result.back().shape(), &first = result.front().shape();
    if (layer.shape().rank() < 3 || shape[2] != shape[3] || shape[0] != first[0] ||
        shape[3] != first[3] || shape[1] == 0)
      throw ShapeError(
          fmt::format("attention_rollout: expected self-attention (batch, heads, time, time), of "
                      "the same batch and time in each layer, got {} after {}",
                      to_string(layer.shape()), to_string(layers.front().shape())));
  }
  const Shape expected{result[0].shape()[0], result[0].shape()[3]};
  if (keep && keep->shape() != expected)
    throw ShapeError(fmt::format("attention_rollout: expected a mask {}, got {}",
                                 to_string(expected), to_string(keep->shape())));
  for (const Array& layer : result) viz::check_rows("attention_rollout", layer);
  return result;
}

// One layer of one sample: a row of the mean over heads plus the identity, normalised.
std::vector<double> mixed_row(const Array& layer, Index sample, Index query, bool residual,
                              const std::uint8_t* keep) {
  const Index heads = layer.shape()[1], time = layer.shape()[3];
  std::vector<double> row(static_cast<std::size_t>(time));
  for (Index head = 0; head < heads; ++head)
    for (Index j = 0; j < time; ++j)
      row[static_cast<std::size_t>(j)] +=
          static_cast<double>(layer.data()[((sample * heads + head) * time + query) * time + j]) /
          static_cast<double>(heads);
  if (residual) row[static_cast<std::size_t>(query)] += 1;
  double sum = 0;
  for (Index j = 0; j < time; ++j) {
    double& value = row[static_cast<std::size_t>(j)];
    if (keep && !(keep[j] && keep[query])) value = 0;
    sum += value;
  }
  for (double& value : row) value = sum > 0 ? value / sum : 0;
  return row;
}

// How the weights, context and values of attention belong together. Strides are in elements.
struct Sizes {
  Index batch, heads, queries, time, width, value_heads;
  bool side_by_side;  // the heads of context and values lie in their last axis

  const real* context(const Array& dcontext, Index sample, Index head, Index query) const {
    return dcontext.data() + (side_by_side ? (sample * queries + query) * heads + head
                                           : (sample * heads + head) * queries + query) *
                                 width;
  }
  const real* value(const Array& values, Index sample, Index head, Index position) const {
    const Index group = head / (heads / value_heads);
    return values.data() + (side_by_side ? (sample * time + position) * value_heads + group
                                         : (sample * value_heads + group) * time + position) *
                               width;
  }
};

Sizes sizes_of(const Array& dcontext, const Array& weights, const Array& values) {
  const Shape &w = weights.shape(), &c = dcontext.shape(), &v = values.shape();
  const auto fail = [&]() -> Sizes {
    throw ShapeError(fmt::format(
        "gradient_times_weight: expected a gradient (batch, heads, queries, width), weights "
        "(batch, heads, queries, time) and values (batch, heads, time, width), or one of the other "
        "forms of attention, got {}, {} and {}",
        to_string(c), to_string(w), to_string(v)));
  };
  if (w.rank() < 2 || w.rank() > 4) return fail();
  const bool side_by_side = w.rank() == 4 && c.rank() == 3;
  const Index heads = w.rank() == 4 ? w[1] : 1, queries = w.rank() > 2 ? w[-2] : 1;
  if (c.rank() != (side_by_side ? 3 : w.rank()) || v.rank() != std::max(3, c.rank()) ||
      (side_by_side ? c.without(-1) != Shape{w[0], queries} || heads == 0 || c[-1] % heads != 0
                    : c.without(-1) != w.without(-1)) ||
      v[0] != w[0] || v[-2] != w[-1])
    return fail();
  const Index width = side_by_side ? c[-1] / heads : c[-1];
  const Index value_heads = side_by_side    ? v[-1] / std::max<Index>(1, width)
                            : w.rank() == 4 ? v[1]
                                            : 1;
  if ((side_by_side ? v[-1] != value_heads * width : v[-1] != width) ||
      (heads > 0 && (value_heads == 0 || heads % value_heads != 0)))
    return fail();
  return {w[0], heads, queries, w[-1], width, value_heads, side_by_side};
}

}  // namespace

Array attention_rollout(const std::vector<Array>& layers, const AttentionRolloutOptions& options) {
  const std::vector<Array> given = checked_layers(layers, options.keep);
  const Index batch = given[0].shape()[0], time = given[0].shape()[3];
  Array result(Shape{batch, time, time});
  real* const out = result.mutable_data();
  const auto size = static_cast<std::size_t>(time);
  for (Index sample = 0; sample < batch; ++sample) {
    const std::uint8_t* const keep = options.keep ? options.keep->data() + sample * time : nullptr;
    std::vector<double> flow, next(size * size);
    for (const Array& layer : given) {
      parallel::for_range(time, parallel::grain(time * time), [&](Index begin, Index end) {
        for (Index query = begin; query < end; ++query) {
          const std::vector<double> row = mixed_row(layer, sample, query, options.residual, keep);
          double* const to = next.data() + query * time;
          if (flow.empty()) {
            std::ranges::copy(row, to);
            continue;
          }
          std::fill_n(to, time, 0.0);
          for (Index j = 0; j < time; ++j)
            for (Index k = 0; k < time; ++k)
              to[k] +=
                  row[static_cast<std::size_t>(j)] * flow[static_cast<std::size_t>(j * time + k)];
        }
      });
      flow = next;
    }
    std::ranges::transform(flow, out + sample * time * time,
                           [](double value) { return static_cast<real>(value); });
  }
  return result;
}

Array gradient_times_weight(const Array& dcontext, const Array& weights, const Array& values) {
  const Sizes s = sizes_of(dcontext, weights, values);
  Array result = Array::zeros(weights.shape());
  real* const out = result.mutable_data();
  const auto rows = [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index head = row / s.queries % s.heads, sample = row / s.queries / s.heads;
      const real* const d = s.context(dcontext, sample, head, row % s.queries);
      for (Index j = 0; j < s.time; ++j) {
        const real weight = weights.data()[row * s.time + j];
        if (weight == 0) continue;  // the value may be padding, and not finite
        const real* const v = s.value(values, sample, head, j);
        double product = 0;
        for (Index f = 0; f < s.width; ++f)
          product += static_cast<double>(d[f]) * static_cast<double>(v[f]);
        out[row * s.time + j] = static_cast<real>(static_cast<double>(weight) * product);
      }
    }
  };
  parallel::for_range(s.batch * s.heads * s.queries, parallel::grain(s.time * s.width), rows);
  return result;
}

}}  // namespace fovea
