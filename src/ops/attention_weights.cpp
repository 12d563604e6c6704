// y = e^x / sum e^x over what each query looks at:   dx = y (dy - sum y dy)
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/attention_softmax.hpp"
#include "ops/axes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

kernels::AttentionRows rows_of(const Shape& scores, const AttentionMask& mask) {
  const Index batch = scores[0], queries = scores[-2], time = scores[-1];
  const Index rows = scores.without(-1).count();
  return {rows,
          rows / std::max<Index>(1, batch),
          queries,
          time,
          mask.causal,
          std::min(mask.window.value_or(0), std::max(queries, time)),  // farther is the same
          ops::bytes(mask.keep),
          ops::bytes(mask.queries)};
}

void check(const Shape& scores, const AttentionMask& mask) {
  if (scores.rank() < 3)
    throw ShapeError(
        fmt::format("attention_weights: expected scores of shape (batch, ..., queries, time), got "
                    "{}; give them a batch "
                    "axis, or use softmax(x, axis, mask)",
                    to_string(scores)));
  if (mask.window && *mask.window < 1)
    throw ValueError(
        fmt::format("attention_weights: expected a window of at least 1, got {}; leave it out to "
                    "look at any distance",
                    *mask.window));
  const auto expect = [&](const char* name, const std::optional<Mask>& given, Index size) {
    if (given && given->shape() != Shape{scores[0], size})
      throw ShapeError(fmt::format(
          "attention_weights: expected a mask `{}` of shape {} for scores of {}, got {}; give a "
          "byte for "
          "each sample and {}",
          name, to_string(Shape{scores[0], size}), to_string(scores), to_string(given->shape()),
          std::string_view(name) == "keep" ? "position" : "query"));
  };
  expect("keep", mask.keep, scores[-1]);
  expect("queries", mask.queries, scores[-2]);
}

}  // namespace

Tensor attention_weights(const Tensor& scores, const AttentionMask& mask) {
  check(scores.shape(), mask);
  if (mask.keeps_all()) return softmax(scores, -1);
  Array y(scores.shape());
  kernels::attention_softmax(scores.value().data(), rows_of(scores.shape(), mask),
                             y.mutable_data());
  return record("attention_weights", y, wrt(scores, [y, mask](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::attention_softmax_slopes(dy.data(), y.data(), rows_of(y.shape(), mask),
                                                    view.data, add);
                }));
}

Mask AttentionMask::dense(const Shape& scores) const {
  check(scores, *this);
  const kernels::AttentionRows rows = rows_of(scores, *this);
  Mask mask(scores);
  for (Index row = 0; row < rows.rows; ++row)
    for (Index position = 0; position < rows.time; ++position)
      mask.mutable_keep()[static_cast<std::size_t>(row * rows.time + position)] =
          rows.keeps(row, position);
  return mask;
}

}}  // namespace fovea
