#include "data/batch_plan.hpp"

#include <algorithm>
#include <utility>

#include "data/order.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using Range = BatchPlan::Range;

std::vector<Index> any_order(const PlanOptions& o, std::uint64_t epoch) {
  return o.shuffle ? shuffled(o.samples, o.seed, epoch) : in_order(o.samples);
}

// Adds the batches of positions [begin, end).
void cut(std::vector<Range>& ranges, Index begin, Index end, Index batch_size) {
  for (; begin < end; begin += batch_size)
    ranges.push_back({begin, std::min(begin + batch_size, end)});
}

BatchPlan plan(const ShuffleAll&, const PlanOptions& o, std::uint64_t epoch) {
  BatchPlan result{any_order(o, epoch)};
  cut(result.ranges, 0, o.samples, o.batch_size);
  return result;
}

BatchPlan plan(const ShuffleInBlocks& order, const PlanOptions& o, std::uint64_t epoch) {
  const Index size = std::min(order.block_size, o.samples), blocks = (o.samples + size - 1) / size;
  const std::vector<Index> block = shuffled(blocks, o.seed, epoch);
  Rng random = Rng(o.seed).split("shuffle in blocks", epoch);
  BatchPlan result;
  result.positions.reserve(static_cast<std::size_t>(o.samples));
  for (Index first = 0; first < blocks;) {
    const auto together = static_cast<Index>(result.positions.size());
    for (Index k = 0; k < order.blocks_together && first < blocks; ++k, ++first) {
      const Index begin = block[static_cast<std::size_t>(first)] * size;
      for (Index i = begin; i < std::min(begin + size, o.samples); ++i)
        result.positions.push_back(i);
    }
    const std::span<Index> mixed =
        std::span(result.positions).subspan(static_cast<std::size_t>(together));
    for (auto i = static_cast<Index>(mixed.size()) - 1; i > 0; --i)
      std::swap(mixed[static_cast<std::size_t>(i)],
                mixed[static_cast<std::size_t>(random.below(i + 1))]);
  }
  cut(result.ranges, 0, o.samples, o.batch_size);
  return result;
}

BatchPlan plan(const BucketByLength& order, const PlanOptions& o, std::uint64_t epoch) {
  BatchPlan result{any_order(o, epoch)};
  const auto length = [&](Index position) { return o.lengths[static_cast<std::size_t>(position)]; };
  const auto begin = result.positions.begin();
  if (order.boundaries.empty()) {
    const Index window = samples_of_update(o.batch_size, order.window, o.samples);
    for (Index first = 0; first < o.samples; first += window) {
      const Index last = std::min(first + window, o.samples);
      std::stable_sort(begin + first, begin + last,
                       [&](Index a, Index b) { return length(a) < length(b); });
      cut(result.ranges, first, last, o.batch_size);
    }
  } else {
    auto first = begin;
    for (std::size_t bucket = 0; bucket <= order.boundaries.size(); ++bucket) {
      const auto last =
          bucket == order.boundaries.size()
              ? result.positions.end()
              : std::stable_partition(first, result.positions.end(), [&](Index position) {
                  return length(position) <= order.boundaries[bucket];
                });
      cut(result.ranges, first - begin, last - begin, o.batch_size);
      first = last;
    }
  }
  if (!o.shuffle) return result;
  const std::vector<Range> ranges = std::move(result.ranges);
  result.ranges.clear();
  for (const Index i : shuffled(static_cast<Index>(ranges.size()), o.seed, epoch))
    result.ranges.push_back(ranges[static_cast<std::size_t>(i)]);
  return result;
}

}  // namespace

BatchPlan batch_plan(const PlanOptions& options, std::uint64_t epoch) {
  return std::visit([&](const auto& order) { return plan(order, options, epoch); }, options.order);
}

Index batch_count(const PlanOptions& o) {
  const auto batches = [&](Index samples) { return (samples + o.batch_size - 1) / o.batch_size; };
  const auto* const order = std::get_if<BucketByLength>(&o.order);
  if (!order || order->boundaries.empty()) return batches(o.samples);
  std::vector<Index> buckets(order->boundaries.size() + 1);
  for (const Index length : o.lengths)
    ++buckets[static_cast<std::size_t>(std::ranges::lower_bound(order->boundaries, length) -
                                       order->boundaries.begin())];
  Index count = 0;
  for (const Index samples : buckets) count += batches(samples);
  return count;
}

Index samples_of_update(Index batch_size, Index steps, Index samples) {
  return batch_size > samples / steps ? samples : batch_size * steps;
}

}}  // namespace fovea
