// One batch through a model: forward, and backward when training, over all shards; loss and metrics
// on the way.
#pragma once

#include "fovea/train/sequential.hpp"
#include "train/shards.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The loss and a model's metrics, each as a sum and the number of what was added up: a mean is one
/// divided by the other, however the samples fell into batches.
class Means {
 public:
  explicit Means(const CompileOptions& compiled)
      : metrics_(compiled.metrics), sums_(1 + metrics_.size()) {}

  void add_loss(double sum, double count) { sums_[0].add(sum, count); }
  void add_metric(std::size_t metric, double sum, double count) {
    sums_[1 + metric].add(sum, count);
  }

  /// Of what has been added, by name; 0 where that was nothing, as in Keras.
  Logs logs() const {
    Logs logs;
    for (std::size_t i = 0; i < sums_.size(); ++i)
      logs[i == 0 ? "loss" : metrics_[i - 1].name()] =
          sums_[i].count > 0 ? sums_[i].value / sums_[i].count : 0;
    return logs;
  }

 private:
  struct Sum {
    double value = 0, count = 0;
    void add(double more, double of) {
      value += more;
      count += of;
    }
  };
  const std::vector<Metric>& metrics_;
  memory::List<Sum> sums_;
};

/// Some samples, with what their loss is weighted by.
struct Batch {
  Samples x, y;
  memory::List<double> weight = {};  // of the samples; empty: all 1
  std::optional<Mask> mask = {};     // of the predictions' positions
  Index counted =
      0;  // what the loss is divided by: kept positions if there is a mask, samples otherwise
};

/// The passes of one compiled model. Reads the model and changes nothing in it but, when training,
/// the gradients of its parameters.
class Pass {
 public:
  /// `shapes`: of one sample and of what the layers make of it, where it is not what the model was
  /// built for.
  Pass(const Sequential& model, Shards& shards, std::span<const Shape> shapes = {});

  /// The samples at `positions`. `weight` holds one number for each sample of x, or none.
  Batch batch(const Samples& x, const Samples& y, const std::vector<double>& weight,
              std::span<const Index> positions) const;
  /// All samples. Those of weight 0 are left out, unless samples act on each other in the model:
  /// nothing of them is computed, and they count in the denominator of the loss alone.
  Batch batch(const Samples& x, const Samples& y, memory::List<double> weight) const;

  /// Runs a batch and adds its loss and metrics to `means`; when training, the gradients of the
  /// parameters that the optimiser took on become those of its mean loss.
  void run(const Batch& batch, bool training, Means& means);

  /// Loss and metrics over all samples. `weight` as in `batch`.
  Logs evaluate(const Samples& x, const Samples& y, const std::vector<double>& weight,
                Index batch_size);

  /// Predictions for all samples.
  Array predict(const Samples& x, Index batch_size);

 private:
  Index values_each(const Batch& batch, const Shape& values, Index samples) const;
  Tensor prediction(const Samples& x, const Context& context, bool logits) const;
  void add_metrics(const Batch& batch, const Array& predictions, Means& means) const;
  Index count(Index samples) const {
    return Shards::count(samples, positions_, dense_bytes_, mixes_samples_);
  }

  const Sequential& model_;
  Shards& shards_;
  Index positions_ = 1;  // rows that a sample gives to the products of the layer where it has most
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  std::optional<Activation>
      fused_;  // the model's last activation, where the loss is computed from its logits
};

}}  // namespace fovea
