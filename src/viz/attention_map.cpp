#include "viz/attention_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "viz/attention_rows.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void viz::check_map(std::string_view call, const AttentionMap& map) {
  const Shape& shape = map.weights.shape();
  if (shape.rank() != 3 || shape[1] != static_cast<Index>(map.queries.size()) ||
      shape[2] != static_cast<Index>(map.keys.size()))
    throw ShapeError(
        fmt::format("{}: expected weights (heads, {}, {}) for {} tokens of queries and {} of keys, "
                    "got {}; give one token for each row and column",
                    call, map.queries.size(), map.keys.size(), map.queries.size(), map.keys.size(),
                    to_string(shape)));
  check_rows(call, map.weights.reshaped(shape.inserted(0, 1)));
  if (!map.gradient_times_weight) return;
  if (map.gradient_times_weight->shape() != shape)
    throw ShapeError(fmt::format("{}: expected gradient_times_weight {}, as the weights, got {}",
                                 call, to_string(shape),
                                 to_string(map.gradient_times_weight->shape())));
  const auto values = map.gradient_times_weight->values();
  const auto wrong = std::ranges::find_if_not(values, [](real v) { return std::isfinite(v); });
  if (wrong != values.end())
    throw ValueError(fmt::format("{}: expected gradient_times_weight that is finite, got {} at {}",
                                 call, *wrong, wrong - values.begin()));
}

AttentionMap attention_map(std::string name, const Array& weights, Index sample,
                           std::vector<std::string> queries, std::vector<std::string> keys) {
  const Array all = viz::with_heads("attention_map", weights);
  const Index batch = all.shape()[0], heads = all.shape()[1], rows = all.shape()[2],
              time = all.shape()[3];
  const auto query_count = static_cast<Index>(queries.size()),
             key_count = static_cast<Index>(keys.size());
  if (sample < 0 || sample >= batch)
    throw IndexError(
        fmt::format("attention_map: expected a sample from 0 to {}, got {}", batch - 1, sample));
  if (query_count > rows || key_count > time)
    throw ShapeError(fmt::format(
        "attention_map: expected at most {} tokens of queries and {} of keys for weights {}, got "
        "{} and {}",
        rows, time, to_string(weights.shape()), query_count, key_count));
  Array cut(Shape{heads, query_count, key_count});
  real* out = cut.mutable_data();
  for (Index head = 0; head < heads; ++head)
    for (Index query = 0; query < query_count; ++query)
      out =
          std::copy_n(all.data() + ((sample * heads + head) * rows + query) * time, key_count, out);
  return {std::move(name), std::move(cut), std::move(queries), std::move(keys), {}};
}

AttentionMap attention_map(std::string name, const Array& weights, Index sample,
                           const std::vector<std::string>& tokens) {
  return attention_map(std::move(name), weights, sample, tokens, tokens);
}

}}  // namespace fovea
