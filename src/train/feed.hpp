// The updates of an epoch by number, as batches that a Pass can run.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>

#include "data/batch_plan.hpp"
#include "data/batch_source.hpp"
#include "data/prefetch.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What fit and evaluate go through: epochs of updates, each of one batch or of several whose
/// gradients are accumulated.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Returns the number of samples; 0 where there is no end.
  virtual Index samples() const = 0;
  /// Returns the number of updates of every epoch.
  virtual Index updates() const = 0;
  /// Begins an epoch at update `first`. Returns the number of its updates: a function of the epoch
  /// and the options, as every update is.
  virtual Index begin(std::uint64_t epoch, Index first) = 0;
  /// Returns the batches of an update until the next call. The first one asked for is that of
  /// `begin`; each other is the next one.
  virtual std::span<Piece> update(Index number) = 0;

  /// Leaves an epoch before its end: nothing is loaded after it.
  virtual void leave() {}

  /// Returns the checksum of the data (data_checksum.hpp): of all samples in memory, of some of a
  /// dataset; empty for a generator. It is computed when it is first asked for.
  const std::string& checksum() {
    if (!checksum_) checksum_ = sum();
    return *checksum_;
  }

 private:
  virtual std::string sum() const = 0;

  std::optional<std::string> checksum_ = {};
};

/// Samples in memory, which were checked as a whole.
class ArrayFeed final : public Feed {
 public:
  ArrayFeed(Pass pass, const SampleSet& x, const SampleSet& y, const std::vector<double>& weight,
            SourceOptions options);

  Index samples() const override { return x_.count(); }
  Index updates() const override { return batch_count(plan_options()); }
  Index begin(std::uint64_t epoch, Index first) override;
  std::span<Piece> update(Index number) override;

 private:
  std::string sum() const override;
  PlanOptions plan_options() const;

  Pass pass_;
  const SampleSet &x_, &y_;
  const std::vector<double>& weight_;
  SourceOptions options_;
  const std::vector<Index> lengths_ = {};  // none: batches are not cut
  BatchPlan plan_ = {};
  memory::List<Piece> pieces_ = {};
};

/// Samples that are loaded batch by batch, and checked then.
class LoadedFeed final : public Feed {
 public:
  /// `call` begins messages. `ahead` is the number of updates that a thread loads before they are
  /// needed. `class_weight` is referred to; null: all classes weigh the same.
  LoadedFeed(const Trainer& trainer, CallName call, Shards& shards,
             std::unique_ptr<BatchSource> source, Index ahead,
             const std::map<Index, double>* class_weight = nullptr);

  Index samples() const override { return source_->samples(); }
  Index updates() const override { return source_->updates(); }
  Index begin(std::uint64_t epoch, Index first) override;
  std::span<Piece> update(Index number) override;
  void leave() override { prefetch_.leave(); }
  /// Returns the inputs of the batches of an update instead, for predict.
  std::span<Piece> inputs(Index number);

 private:
  /// The pass for samples of some shapes.
  struct Shaped {
    std::vector<Shape> shapes;  // of a sample of each input
    std::vector<Trace::Output> traced;
    Pass pass;
  };

  std::string sum() const override;
  void clear();
  std::vector<SampleBatch> loaded(Index number);
  Shaped& shaped(const CallName& call, const SampleSet& x);

  const Trainer& trainer_;
  const CallName call_;
  Shards& shards_;
  std::unique_ptr<BatchSource> source_;
  const std::map<Index, double>* class_weight_;
  Prefetch prefetch_;
  std::string label_ = {};          // "batch 3 of x.npy"
  std::deque<Shaped> shaped_ = {};  // a deque, whose elements stay in place when it grows
  memory::List<Piece> pieces_ = {};
};

}}  // namespace fovea
