// One batch through a model: forward, and backward when training, over all shards; loss and metrics on the way.
#pragma once

#include "fovea/train/sequential.hpp"
#include "train/shards.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Sums of the loss and of a model's metrics over what has been seen, and their means by name.
class Means {
 public:
  explicit Means(const CompileOptions& compiled) : metrics_(compiled.metrics), sums_(1 + metrics_.size()) {}

  void add_loss(double value, double weight) { sums_[0].add(value, weight); }
  void add_metric(std::size_t metric, double value, double weight) { sums_[1 + metric].add(value, weight); }

  /// Of what has been added.
  Logs logs() const {
    Logs logs;
    for (std::size_t i = 0; i < sums_.size(); ++i)
      if (sums_[i].weight > 0) logs[i == 0 ? "loss" : metrics_[i - 1].name()] = sums_[i].value / sums_[i].weight;
    return logs;
  }

 private:
  struct Sum {
    double value = 0, weight = 0;
    void add(double more, double of_weight) {
      value += more * of_weight;
      weight += of_weight;
    }
  };
  const std::vector<Metric>& metrics_;
  memory::List<Sum> sums_;
};

/// Some samples, with what their loss is weighted by.
struct Batch {
  Samples x, y;
  memory::List<double> weight;  // of the samples; empty: all 1
  std::optional<Mask> mask;     // of the predictions' positions
};

/// The passes of one compiled model. Reads the model and changes nothing in it but, when training, the gradients of its parameters.
class Pass {
 public:
  Pass(const Sequential& model, Shards& shards);

  /// The samples at `positions`. `weight` holds one number for each sample of x, or none.
  Batch batch(const Samples& x, const Samples& y, const std::vector<double>& weight, std::span<const Index> positions) const;

  /// Runs a batch and adds its loss and metrics to `means`; when training, the gradients of the parameters that the optimiser took on
  /// become those of its mean loss.
  void run(const Batch& batch, bool training, Means& means);

  /// Loss and metrics over all samples.
  Logs evaluate(const Samples& x, const Samples& y, Index batch_size);

  /// Predictions for all samples.
  Array predict(const Samples& x, Index batch_size);

 private:
  Array loss_factors(const Batch& batch, const Shape& values, Index begin, Index end) const;
  Tensor prediction(const Samples& x, const Context& context, bool logits) const;
  void add_metrics(const Batch& batch, const Array& predictions, Means& means) const;
  Index count(Index samples) const { return Shards::count(samples, positions_, dense_bytes_, mixes_samples_); }

  const Sequential& model_;
  Shards& shards_;
  Index positions_ = 1;  // rows that a sample gives to the products of the layer where it has most
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  bool fused_ = false;  // the loss is computed from the logits of the last layer's softmax
};

}  // namespace fovea
