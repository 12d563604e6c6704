// Which samples are in which batch of an epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/data/batch_order.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What a plan is made of, besides the epoch.
struct PlanOptions {
  Index samples;     // in the epoch
  Index batch_size;  // of an update
  bool shuffle = true;
  const BatchOrder& order;
  std::uint64_t seed = 0;
  const std::vector<Index>& lengths;  // of the samples; used by BucketByLength alone
};

/// The batches of an epoch.
struct BatchPlan {
  struct Range {
    Index begin, end;
  };

  Index count() const { return static_cast<Index>(ranges.size()); }
  /// Returns the positions of the samples of a batch.
  std::span<const Index> batch(Index number) const {
    const Range range = ranges[static_cast<std::size_t>(number)];
    return std::span(positions).subspan(static_cast<std::size_t>(range.begin),
                                        static_cast<std::size_t>(range.end - range.begin));
  }

  std::vector<Index> positions = {};
  std::vector<Range> ranges = {};  // of `positions`
};

/// Returns the plan of an epoch: a function of its arguments.
BatchPlan batch_plan(const PlanOptions& options, std::uint64_t epoch);

/// Returns the number of batches of every epoch.
Index batch_count(const PlanOptions& options);

/// Returns batch_size * steps, or `samples` where that is less.
Index samples_of_update(Index batch_size, Index steps, Index samples);

}}  // namespace fovea
