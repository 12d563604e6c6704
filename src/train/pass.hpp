// One batch through a model: forward, and backward when training, over all shards; losses and
// metrics on the way.
#pragma once

#include "fovea/nn/network.hpp"
#include "fovea/train/model.hpp"
#include "train/means.hpp"
#include "train/shards.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Which positions of an output count, in a batch.
struct Counted {
  std::optional<Mask> mask = {};  // over the output's first axes; none: all
  Index count = 0;  // what the loss is divided by: kept positions if there is a mask, else samples
};

/// Some samples, with what their loss is weighted by.
struct Batch {
  SampleSet x, y;
  memory::List<double> weight = {};    // of the samples; empty: all 1
  Index samples = 0;                   // all of them, those of weight 0 as well
  memory::List<Counted> counted = {};  // of each output; empty where masks come late

  Index count() const { return x.count(); }
};

/// What does not change from batch to batch.
struct PassOptions {
  const Network& network;
  const std::vector<OutputOptions>* outputs;  // null where the model only predicts
  std::uint64_t seed = 0;
  const std::uint64_t* step = nullptr;  // the number of the update; null: there is none
  const std::shared_ptr<const ForwardHooks>* hooks = nullptr;
  const std::vector<NamedParameter>* learning = nullptr;
};

/// The passes of one model. Reads it and changes nothing in it but, when training, the gradients of
/// its parameters.
class Pass {
 public:
  /// `shapes`: of one sample of each input, and of what the modules inside make of it.
  Pass(const PassOptions& options, Shards& shards, std::span<const Shape> shapes);

  /// The samples at `positions`. `weight` holds one number for each sample of x, or none.
  Batch batch(const SampleSet& x, const SampleSet& y, const std::vector<double>& weight,
              std::span<const Index> positions) const;
  /// All samples. Those of weight 0 are left out, unless samples act on each other in the model:
  /// nothing of them is computed, and they count in the denominator of the loss alone.
  Batch batch(const SampleSet& x, const SampleSet& y, memory::List<double> weight) const;

  /// Runs a batch and adds its losses and metrics to `means`; when training, the gradients of the
  /// parameters that the optimiser took on become those of its mean loss.
  void run(const Batch& batch, bool training, Means& means);

  /// Loss and metrics over all samples. `weight` as in `batch`.
  Logs evaluate(const SampleSet& x, const SampleSet& y, const std::vector<double>& weight,
                Index batch_size);

  /// Predictions for all samples: one array for each output.
  std::vector<Array> predict(const SampleSet& x, Index batch_size);

  /// The masks of all outputs for all samples, where they come late.
  memory::List<std::optional<Mask>> late_masks(const SampleSet& x);

  /// Whether a leaf that no list of parameters names got a gradient in the last run.
  bool has_unlisted_gradients() const { return shards_.has_unlisted(*options_.learning); }

 private:
  struct Part;  // what a shard has made

  Context context(bool training, Index first_sample) const;
  void forward(const Batch& batch, Index begin, Index end, bool training,
               memory::List<Output>& outputs) const;
  memory::List<Counted> late_counts(const Batch& batch, const memory::List<Part>& parts) const;
  void differentiate(const Batch& batch, const memory::List<Counted>& counted, Part& part,
                     bool training, Sink& sink) const;
  void add_metrics(const Batch& batch, const memory::List<Counted>& counted, std::size_t output,
                   const Array& predictions, Means& means) const;
  Array prediction(std::size_t output, const Output& result) const;
  Index count(Index samples) const {
    return Shards::count(samples, positions_, dense_bytes_, mixes_samples_);
  }
  const char* name() const { return options_.network.path().c_str(); }

  PassOptions options_;
  Shards& shards_;
  Index positions_ = 1;  // rows that a sample gives to the products of the layer where it has most
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  memory::List<std::optional<Activation>> wanted_;  // whose logits the losses are computed from
};

/// The samples of each input as signals.
Signals signals(const SampleSet& x);

}}  // namespace fovea
