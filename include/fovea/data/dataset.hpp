// Samples that are not in memory, or are made when they are needed: what fit, evaluate and predict
// take in place of arrays (docs/datasets.md).
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "fovea/data/sample_set.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Some samples, their targets and weights.
struct SampleBatch {
  /// The inputs.
  SampleSet x;
  /// The targets; predict needs none.
  SampleSet y = {};
  /// The weights, one for each sample; none: all 1.
  std::vector<double> sample_weight = {};
};

/// An exception of a dataset that is not one of fovea's. std::rethrow_if_nested throws the first
/// one.
struct DatasetError : Error {
  using Error::Error;
};

/// The epoch for which fit asks for samples.
struct TrainingEpoch {
  /// The seed of compile.
  std::uint64_t seed = 0;
  /// The epochs that were begun since compile, without this one.
  std::uint64_t number = 0;
};

/// Samples by position. Derive from it to train on data of your own: `count` and `rows` are enough.
/// Const members may be called from several threads at once, and from other threads than that of
/// fit.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Returns the number of samples, which must not change while it is used.
  virtual Index count() const = 0;
  /// Returns the samples at `positions`, each at least 0 and below count, in that order.
  virtual SampleBatch rows(std::span<const Index> positions) const = 0;
  /// Returns the samples at `positions` for training, where they differ from epoch to epoch. They
  /// must be a function of their positions and of the epoch.
  virtual SampleBatch training_rows(std::span<const Index> positions, const TrainingEpoch&) const {
    return rows(positions);
  }
  /// Returns the steps of time of a sample, for BucketByLength. Nothing: fit reads all samples once
  /// to find out.
  virtual std::optional<Index> length(Index) const { return std::nullopt; }
  /// Returns the name in messages.
  virtual std::string name() const { return "Dataset"; }
};

/// Arrays in memory as a dataset.
class ArrayDataset : public Dataset {
 public:
  /// Shares the memory of the arrays. Throws ShapeError for numbers of samples that differ.
  explicit ArrayDataset(SampleSet x, SampleSet y = {}, std::vector<double> sample_weight = {});

  Index count() const override { return all_.x.count(); }
  SampleBatch rows(std::span<const Index> positions) const override;
  std::string name() const override { return "ArrayDataset"; }

 private:
  SampleBatch all_;
};

/// A dataset whose samples are changed at random when fit trains on them: turned, cropped, with
/// words left out. What evaluate, predict and validation see is not changed.
class Augmented : public Dataset {
 public:
  /// Changes a batch of one sample. The generator is a function of the seed of compile, the epoch
  /// and the position of the sample. So the samples are the same in any batches, after a resume and
  /// on any number of threads. Several threads may call it at once.
  using Change = std::function<void(SampleBatch& one, Rng random)>;

  /// Takes a dataset over. Throws ValueError without a function.
  template <std::derived_from<Dataset> D>
  Augmented(D data, Change change)
      : Augmented{depth_of(data), std::make_shared<const D>(std::move(data)), std::move(change)} {}

  Index count() const override { return data_->count(); }
  SampleBatch rows(std::span<const Index> positions) const override {
    return data_->rows(positions);
  }
  /// Throws ShapeError where changed samples of a batch differ in shape, and ValueError where
  /// `change` returns more or less than one sample.
  SampleBatch training_rows(std::span<const Index> positions,
                            const TrainingEpoch& epoch) const override;
  std::optional<Index> length(Index position) const override { return data_->length(position); }
  std::string name() const override { return data_->name(); }

 private:
  Augmented(std::uint64_t depth, std::shared_ptr<const Dataset> data, Change change);
  static std::uint64_t depth_of(const Augmented& inside) { return inside.depth_ + 1; }
  static std::uint64_t depth_of(const Dataset&) { return 0; }

  std::shared_ptr<const Dataset> data_;
  Change change_;
  std::uint64_t depth_;  // the number of augmented datasets inside, each with numbers of its own
};

/// Batches without an end, each a function of its number. fit needs .steps_per_epoch.
class GeneratedBatches {
 public:
  /// Returns the batch of a number: the same one whenever it is asked. The generator is a function
  /// of the seed of compile and the number. May be called from another thread than that of fit, by
  /// one thread at a time.
  using Make = std::function<SampleBatch(std::uint64_t number, Rng random)>;

  /// Takes the function and a name for messages. Throws ValueError without a function.
  explicit GeneratedBatches(Make make, std::string name = "GeneratedBatches");

  /// Returns the batch of a number.
  SampleBatch operator()(std::uint64_t number, Rng random) const { return make_(number, random); }
  /// Returns the name in messages.
  const std::string& name() const& { return name_; }
  /// The same, of a temporary.
  std::string name() const&& { return name_; }

 private:
  Make make_;
  std::string name_;
};

}}  // namespace fovea
