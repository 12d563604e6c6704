#include "data/batch_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/lengths.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

DatasetSource::DatasetSource(const Dataset& data, Index begin, Index end, SourceOptions options)
    : data_(data), begin_(begin), end_(end), options_(std::move(options)) {
  if (const auto* order = std::get_if<BucketByLength>(&options_.order)) {
    lengths_ = lengths_of(data, *order);
    lengths_ = {lengths_.begin() + begin, lengths_.begin() + end};
  }
}

PlanOptions DatasetSource::plan_options() const {
  const Index samples = end_ - begin_;
  return {.samples = samples,
          .batch_size = samples_of_update(options_.batch_size, options_.batches_each, samples),
          .shuffle = options_.shuffle,
          .order = options_.order,
          .seed = options_.seed,
          .lengths = lengths_};
}

Index DatasetSource::begin(std::uint64_t epoch) {
  epoch_ = epoch;
  plan_ = batch_plan(plan_options(), epoch);
  for (Index& position : plan_.positions) position += begin_;
  return plan_.count();
}

std::vector<SampleBatch> DatasetSource::load(Index update) const {
  std::vector<SampleBatch> batches;
  const std::span<const Index> all = plan_.batch(update);
  const auto size =
      static_cast<std::size_t>(std::min(options_.batch_size, static_cast<Index>(all.size())));
  for (std::size_t begin = 0; begin < all.size(); begin += size) {
    const auto some = all.subspan(begin, std::min(size, all.size() - begin));
    batches.push_back(options_.training
                          ? data_.training_rows(some, {.seed = options_.seed, .number = epoch_})
                          : data_.rows(some));
    if (batches.back().x.count() != static_cast<Index>(some.size()))
      throw ShapeError(
          fmt::format("asked for {} samples, it returned {}; rows must return one for "
                      "each position",
                      some.size(), batches.back().x.count()));
    if (const auto* order = std::get_if<BucketByLength>(&options_.order))
      cut_to_longest(batches.back(), *order);
  }
  return batches;
}

// The first, the last, and others at equal distances between.
std::vector<SampleBatch> DatasetSource::some() const {
  constexpr Index most = 32;
  const Index count = samples(), asked = std::min(count, most);
  std::vector<SampleBatch> batches;
  for (Index i = 0; i < asked; ++i) {
    const Index position = i == asked - 1 ? end_ - 1 : begin_ + i * ((count - 1) / (asked - 1));
    batches.push_back(data_.rows({&position, 1}));
  }
  return batches;
}

GeneratedSource::GeneratedSource(const GeneratedBatches& batches, Index steps,
                                 SourceOptions options)
    : batches_(batches), steps_(steps), options_(std::move(options)) {}

Index GeneratedSource::begin(std::uint64_t epoch) {
  epoch_ = epoch;
  return steps_;
}

std::vector<SampleBatch> GeneratedSource::load(Index update) const {
  std::vector<SampleBatch> batches;
  const auto each = static_cast<std::uint64_t>(options_.batches_each);
  const std::uint64_t first =
      (epoch_ * static_cast<std::uint64_t>(steps_) + static_cast<std::uint64_t>(update)) * each;
  for (std::uint64_t number = first; number < first + each; ++number) {
    batches.push_back(batches_(number, Rng(options_.seed).split("generated batch", number)));
    if (batches.back().x.count() == 0)
      throw ValueError(fmt::format("the batch of number {} has no samples", number));
    if (const auto* order = std::get_if<BucketByLength>(&options_.order))
      cut_to_longest(batches.back(), *order);
  }
  return batches;
}

}}  // namespace fovea
