// One batch through a model: forward, and backward when training, over all shards; loss and metrics on the way.
#pragma once

#include "fovea/train/sequential.hpp"
#include "train/shards.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Sums of loss and metrics over what has been seen, and their means by name.
class Means {
 public:
  void add(const std::string& name, double value, double weight) {
    auto& [sum, total] = sums_[name];
    sum += value * weight;
    total += weight;
  }
  Logs logs() const {
    Logs logs;
    for (const auto& [name, sum] : sums_) logs[name] = sum.second > 0 ? sum.first / sum.second : 0;
    return logs;
  }

 private:
  std::map<std::string, std::pair<double, double>> sums_;
};

/// Some samples, with what their loss is weighted by.
struct Batch {
  Samples x, y;
  std::vector<double> weight;  // of the samples; empty: all 1
  std::optional<Mask> mask;    // of the predictions' positions
};

/// The passes of one compiled model. Reads the model and changes nothing in it but, when training, the gradients of its parameters.
class Pass {
 public:
  Pass(const Sequential& model, Shards& shards);

  /// The samples at `positions`. `weight` holds one number for each sample of x, or none.
  Batch batch(const Samples& x, const Samples& y, const std::vector<double>& weight, std::span<const Index> positions) const;

  /// Runs a batch and adds its loss and metrics to `means`; when training, the parameters' gradients become those of its mean loss.
  void run(const Batch& batch, bool training, Means& means);

  /// Loss and metrics over all samples.
  Logs evaluate(const Samples& x, const Samples& y, Index batch_size);

  /// Predictions for all samples.
  Array predict(const Samples& x, Index batch_size);

  /// The parameters that learn, each once, also where layers share a module.
  const std::vector<NamedParameter>& parameters() const { return parameters_; }

 private:
  Array loss_factors(const Batch& batch, const Shape& values, Index begin, Index end) const;
  Tensor prediction(const Samples& x, const Context& context, bool logits) const;
  void add_metrics(const Batch& batch, const Array& predictions, Means& means) const;
  Index count(Index samples) const { return Shards::count(samples, positions_, dense_bytes_, mixes_samples_); }

  const Sequential& model_;
  Shards& shards_;
  std::vector<NamedParameter> parameters_;
  Index positions_ = 1;  // rows that a sample gives to the products of the layer where it has most
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  bool fused_ = false;  // the loss is computed from the logits of the last layer's softmax
};

}  // namespace fovea
