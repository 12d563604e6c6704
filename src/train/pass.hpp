// One batch through a model: forward, and backward when training, over all shards; losses and
// metrics on the way.
#pragma once

#include "fovea/nn/network.hpp"
#include "fovea/train/model.hpp"
#include "train/means.hpp"
#include "train/shards.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The positions of an output that count in a batch.
struct Counted {
  std::optional<Mask> mask = {};  // over the output's first axes; none: all
  Index count = 0;                // kept positions if there is a mask, else samples
};

/// Samples of a batch, and the weights of their losses.
struct Batch {
  SampleSet x, y;
  memory::List<double> weight = {};    // of the samples; empty: all 1
  Index samples = 0;                   // all of them, those of weight 0 as well
  memory::List<Counted> counted = {};  // of each output; empty where masks come late
  Index first = 0;                     // samples of the update in batches before this one
  memory::List<Index> divisors = {};   // counts of the update, by output; empty: the batch's own

  Index count() const { return x.count(); }
};

/// The options that are the same for all batches.
struct PassOptions {
  const Network& network;
  const std::vector<OutputOptions>* outputs;  // null where the model only predicts
  std::uint64_t seed = 0;
  const std::uint64_t* step = nullptr;  // the number of the update; null: there is none
  const std::shared_ptr<const ForwardHooks>* hooks = nullptr;
  const std::vector<NamedParameter>* learning = nullptr;
};

/// The passes of one model. Changes nothing in the model but, when training, the gradients of the
/// parameters.
class Pass {
 public:
  /// Takes the shapes of one sample of each input, and of the outputs of the modules inside.
  Pass(const PassOptions& options, Shards& shards, std::span<const Shape> shapes);

  /// Returns the samples at `positions`. `weight` is empty, or has one value for each sample of x.
  Batch batch(const SampleSet& x, const SampleSet& y, const std::vector<double>& weight,
              std::span<const Index> positions) const;
  /// Returns all samples. Samples of weight 0 are left out, unless samples act on each other in the
  /// model, or masks come late. A sample that is left out counts in the loss's denominator alone.
  Batch batch(const SampleSet& x, const SampleSet& y, memory::List<double> weight) const;

  /// Runs a batch and adds its losses and metrics to `means`. When training, sets the gradients of
  /// the parameters of the optimiser to the gradients of the mean loss: of the batch's part in it,
  /// where the batch has divisors of an update.
  void run(const Batch& batch, bool training, Means& means);

  /// Returns what the loss of each output is divided by. Where masks come late, this is known once
  /// the module was called.
  memory::List<Index> counts(const Batch& batch);

  /// Returns predictions for all samples: one array for each output.
  std::vector<Array> predict(const SampleSet& x, Index batch_size);

  /// Returns the masks of all outputs for all samples, where masks come late.
  memory::List<std::optional<Mask>> late_masks(const SampleSet& x);

  /// Returns whether a leaf in no list of parameters got a gradient in the last run.
  bool has_unlisted_gradients() const { return shards_.has_unlisted(*options_.learning); }

 private:
  struct Part;  // the results of a shard

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
  Index positions_ = 1;  // most rows that one sample has in the products of a layer
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  memory::List<std::optional<Activation>> wanted_;  // whose logits the losses are computed from
};

/// Returns the outputs of parts of the samples, concatenated along the first axis. Throws
/// ShapeError where they differ in other sizes.
Array joined(const char* model, std::span<const Array> parts);

/// Returns the samples of each input as signals.
Signals signals(const SampleSet& x);

}}  // namespace fovea
