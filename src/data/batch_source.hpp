// The batches of an epoch by number, from a dataset or a generator.
#pragma once

#include <string>
#include <vector>

#include "data/batch_plan.hpp"
#include "fovea/data/dataset.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Updates by number. `load` may be called from another thread than `begin`, not at the same time.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Returns the name in messages.
  virtual std::string name() const = 0;
  /// Returns the number of samples; 0 where there is no end.
  virtual Index samples() const = 0;
  /// Returns the number of updates of every epoch.
  virtual Index updates() const = 0;
  /// Begins an epoch. Returns the number of its updates.
  virtual Index begin(std::uint64_t epoch) = 0;
  /// Returns the batches of an update, of which each but the last is of full size.
  virtual std::vector<SampleBatch> load(Index update) const = 0;
  /// Returns a few samples, the same ones each time and for any options, that tell one dataset from
  /// another, each by itself; none of a generator. May be called while another thread loads.
  virtual std::vector<SampleBatch> some() const { return {}; }
};

/// The options of a source.
struct SourceOptions {
  Index batch_size = 32;
  Index batches_each = 1;  // of an update
  bool shuffle = false;
  BatchOrder order = {};
  std::uint64_t seed = 0;
  bool training = false;  // whether samples may differ from epoch to epoch
};

/// Samples [begin, end) of a dataset.
class DatasetSource final : public BatchSource {
 public:
  DatasetSource(const Dataset& data, Index begin, Index end, SourceOptions options);

  std::string name() const override { return data_.name(); }
  Index samples() const override { return end_ - begin_; }
  Index updates() const override { return batch_count(plan_options()); }
  Index begin(std::uint64_t epoch) override;
  std::vector<SampleBatch> load(Index update) const override;
  std::vector<SampleBatch> some() const override;

 private:
  PlanOptions plan_options() const;

  const Dataset& data_;
  Index begin_, end_;
  SourceOptions options_;
  std::vector<Index> lengths_ = {};  // for BucketByLength
  std::uint64_t epoch_ = 0;
  BatchPlan plan_ = {};
};

/// `steps` updates of a generator in each epoch.
class GeneratedSource final : public BatchSource {
 public:
  GeneratedSource(const GeneratedBatches& batches, Index steps, SourceOptions options);

  std::string name() const override { return batches_.name(); }
  Index samples() const override { return 0; }
  Index updates() const override { return steps_; }
  Index begin(std::uint64_t epoch) override;
  std::vector<SampleBatch> load(Index update) const override;

 private:
  const GeneratedBatches& batches_;
  Index steps_;
  SourceOptions options_;
  std::uint64_t epoch_ = 0;
};

}}  // namespace fovea
