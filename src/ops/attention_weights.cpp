// y = e^x / sum e^x over what each query looks at:   dx = y (dy - sum y dy)
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/attention_softmax.hpp"
#include "ops/attention_sizes.hpp"
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

void check_blocks(const char* call, const Shape& scores, const BlockTable& blocks) {
  if (blocks.size < 1)
    throw ValueError(
        fmt::format("{}: expected blocks of at least 1, got {}; give a size", call, blocks.size));
  const auto count = [&](Index size) { return (size + blocks.size - 1) / blocks.size; };
  const Shape expected{count(scores[-2]), count(scores[-1])};
  if (blocks.keep.shape() != expected)
    throw ShapeError(fmt::format(
        "{}: expected a table of blocks of shape {} for scores of {} in blocks of {}, got {}; give "
        "a byte for each pair of blocks",
        call, to_string(expected), to_string(scores), blocks.size, to_string(blocks.keep.shape())));
}

void check_pairs(const char* call, const Shape& scores, const Shape& pairs) {
  const Shape four{scores[0], scores.rank() == 3 ? 1 : scores[1], scores[-2], scores[-1]};
  bool fits = pairs.rank() == 4 && scores.rank() <= 4;
  for (int axis = 0; fits && axis < 4; ++axis) fits = pairs[axis] == 1 || pairs[axis] == four[axis];
  if (!fits)
    throw ShapeError(fmt::format(
        "{}: expected a mask `pairs` of shape {}, with any axis as 1, got {}; give it four axes: "
        "batch, heads, queries, time",
        call, to_string(four), to_string(pairs)));
}

// Whether the mask has only what AttentionRows says.
bool by_rows(const AttentionMask& mask) {
  return mask.align == Alignment::first && !mask.global && !mask.blocks && !mask.pairs;
}

// Whether a mask that broadcasts to (batch, heads, queries, time) keeps a place.
bool kept(const Mask& mask, const std::array<Index, 4>& at) {
  Index offset = 0;
  for (int axis = 0; axis < 4; ++axis)
    offset = offset * mask.shape()[axis] +
             (mask.shape()[axis] == 1 ? 0 : at[static_cast<std::size_t>(axis)]);
  return mask.keep()[static_cast<std::size_t>(offset)] != 0;
}

// Whether a query looks at a position; `at` is its sample, head, query and position.
bool keeps(const AttentionMask& mask, const std::array<Index, 4>& at, Index queries, Index time) {
  const auto byte = [](const std::optional<Mask>& bytes, Index sample, Index place) {
    return bytes->keep()[static_cast<std::size_t>(sample * bytes->shape()[1] + place)] != 0;
  };
  const auto [sample, head, query, position] = at;
  const Index stands = query + (mask.align == Alignment::last ? time - queries : 0);
  const auto is_global = [&, sample = sample](Index place) {
    return mask.global && place >= 0 && place < time && byte(mask.global, sample, place);
  };
  const Index distance = position < stands ? stands - position : position - stands;
  return (!mask.causal || position <= stands) &&
         (!mask.window || distance < *mask.window || is_global(position) || is_global(stands)) &&
         (!mask.keep || byte(mask.keep, sample, position)) &&
         (!mask.queries || byte(mask.queries, sample, query)) &&
         (!mask.blocks || mask.blocks->keep.keep()[static_cast<std::size_t>(
                              query / mask.blocks->size * mask.blocks->keep.shape()[1] +
                              position / mask.blocks->size)]) &&
         (!mask.pairs || kept(*mask.pairs, at));
}

}  // namespace

void ops::check_mask(const char* call, const Shape& scores, const AttentionMask& mask) {
  if (scores.rank() < 3)
    throw ShapeError(
        fmt::format("{}: expected scores of shape (batch, ..., queries, time), got {}; give them a "
                    "batch axis, or use softmax(x, axis, mask)",
                    call, to_string(scores)));
  if (mask.window && *mask.window < 1)
    throw ValueError(
        fmt::format("{}: expected a window of at least 1, got {}; leave it out to look at any "
                    "distance",
                    call, *mask.window));
  const auto expect = [&](const char* name, const std::optional<Mask>& given, Index size) {
    if (given && given->shape() != Shape{scores[0], size})
      throw ShapeError(fmt::format(
          "{}: expected a mask `{}` of shape {} for scores of {}, got {}; give a byte for each "
          "sample and {}",
          call, name, to_string(Shape{scores[0], size}), to_string(scores),
          to_string(given->shape()), std::string_view(name) == "queries" ? "query" : "position"));
  };
  expect("keep", mask.keep, scores[-1]);
  expect("queries", mask.queries, scores[-2]);
  expect("global", mask.global, scores[-1]);
  if (mask.blocks) check_blocks(call, scores, *mask.blocks);
  if (mask.pairs) check_pairs(call, scores, mask.pairs->shape());
}

Tensor attention_weights(const Tensor& scores, const AttentionMask& mask) {
  ops::check_mask("attention_weights", scores.shape(), mask);
  if (mask.keeps_all()) return softmax(scores, -1);
  if (!by_rows(mask)) return softmax(scores, -1, mask.dense(scores.shape()));
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
  ops::check_mask("AttentionMask::dense", scores, *this);
  const Index batch = scores[0], rows = scores[-2], time = scores[-1];
  const Index heads = scores.without(-1).count() / std::max<Index>(1, batch * rows);
  Mask mask(scores);
  std::uint8_t* byte = mask.mutable_keep().data();
  for (Index sample = 0; sample < batch; ++sample)
    for (Index head = 0; head < heads; ++head)
      for (Index query = 0; query < rows; ++query)
        for (Index position = 0; position < time; ++position)
          *byte++ = keeps(*this, {sample, head, query, position}, rows, time);
  return mask;
}

}}  // namespace fovea
