#include "data/lengths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

const SampleColumn& column_of(const SampleSet& set, std::size_t i, const char* side) {
  if (i >= set.size())
    throw IndexError(
        fmt::format("BucketByLength: there is no {} number {}; there are {}", side, i, set.size()));
  if (set[i].samples.shape().rank() < 2)
    throw ShapeError(
        fmt::format("BucketByLength: {} number {} has shape {}; expected (samples, time, ...)",
                    side, i, to_string(set[i].samples.shape())));
  const SampleColumn& column = set[i];
  const Shape& shape = column.samples.shape();
  if (column.samples.count() != set.count())
    throw ShapeError(fmt::format("BucketByLength: {} number {} has {} samples, the first has {}",
                                 side, i, column.samples.count(), set.count()));
  for (int axis = 0; column.mask && axis < column.mask->shape().rank(); ++axis)
    if (axis >= shape.rank() || column.mask->shape()[axis] != shape[axis])
      throw ShapeError(fmt::format(
          "BucketByLength: {} number {} of shape {} has a mask of shape {}; a mask lies over the "
          "first axes",
          side, i, to_string(shape), to_string(column.mask->shape())));
  return column;
}

// Returns the length of a sample of which `counts` says whether the element at a position counts.
template <class Counts>
Index length(Index time, Index elements, const Counts& counts) {
  for (Index i = elements; i > 0; --i)
    if (counts(i - 1)) return (i - 1) * time / elements + 1;
  return 1;
}

Index length(const SampleColumn& column, Index sample) {
  const Index time = column.samples.shape()[1];
  if (column.mask) {
    const Index each = column.mask->count() / std::max<Index>(1, column.mask->shape()[0]);
    if (column.mask->shape().rank() < 2 || column.mask->shape()[1] != time) return time;
    return length(time, each, [&](Index i) { return column.mask->data()[sample * each + i] != 0; });
  }
  if (!column.samples.is_ids()) return time;
  const Ids& ids = column.samples.ids();
  const Index each = ids.count() / ids.shape()[0];
  return length(time, each, [&](Index i) { return ids.data()[sample * each + i] != 0; });
}

// Returns the first `length` positions of the second axis.
template <class Values>
Values cut(const Values& values, Index length) {
  const Shape& shape = values.shape();
  const Index time = shape[1], inner = values.count() / std::max<Index>(1, shape[0] * time);
  Values result(shape.with(1, length));
  auto* to = result.mutable_data();
  for (Index i = 0; i < shape[0]; ++i)
    to = std::copy_n(values.data() + i * time * inner, length * inner, to);
  return result;
}

SampleSet cut(const SampleSet& set, const std::vector<std::size_t>& which, Index longest,
              const char* side) {
  memory::List<SampleColumn> columns;
  for (std::size_t i = 0; i < set.size(); ++i) columns.push_back(set[i]);
  for (const std::size_t i : which) {
    SampleColumn& column = columns[i];
    const Index time = column_of(set, i, side).samples.shape()[1];
    if (time <= longest) continue;
    column.samples = column.samples.is_ids() ? Samples(cut(column.samples.ids(), longest))
                                             : Samples(cut(column.samples.array(), longest));
    if (column.mask && column.mask->shape().rank() > 1) column.mask = cut(*column.mask, longest);
  }
  return SampleSet(std::move(columns));
}

}  // namespace

std::vector<Index> lengths_of(const SampleSet& x, const BucketByLength& order) {
  std::vector<Index> lengths(static_cast<std::size_t>(x.count()), 1);
  for (const std::size_t input : order.inputs) {
    const SampleColumn& column = column_of(x, input, "input");
    for (std::size_t i = 0; i < lengths.size(); ++i)
      lengths[i] = std::max(lengths[i], length(column, static_cast<Index>(i)));
  }
  return lengths;
}

std::vector<Index> lengths_of(const Dataset& data, const BucketByLength& order) {
  constexpr Index at_once = 1024;
  std::vector<Index> lengths, positions;
  for (Index first = 0; first < data.count();) {
    if (const std::optional<Index> known = data.length(first)) {
      lengths.push_back(std::max<Index>(1, *known));
      ++first;
      continue;
    }
    positions.resize(static_cast<std::size_t>(std::min(at_once, data.count() - first)));
    std::iota(positions.begin(), positions.end(), first);
    const std::vector<Index> some = lengths_of(data.rows(positions).x, order);
    if (some.size() != positions.size())
      throw ShapeError(fmt::format("{}: asked for {} samples, it returned {}", data.name(),
                                   positions.size(), some.size()));
    lengths.insert(lengths.end(), some.begin(), some.end());
    first += static_cast<Index>(positions.size());
  }
  return lengths;
}

void cut_to_longest(SampleBatch& batch, const BucketByLength& order) {
  const std::vector<Index> lengths = lengths_of(batch.x, order);
  if (lengths.empty()) return;
  const Index longest = std::ranges::max(lengths);
  batch.x = cut(batch.x, order.inputs, longest, "input");
  for (const std::size_t target : order.targets) column_of(batch.y, target, "target");
  if (!order.targets.empty()) batch.y = cut(batch.y, order.targets, longest, "target");
}

}}  // namespace fovea
