// One batch through a model, cut into shards that run side by side.
//
// The number of shards is a function of the batch and the model, never of the threads; the gradients of the shards are added along
// one fixed binary tree. So losses, predictions and gradients are the same bits on any number of threads.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/nn/module.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::train {

/// Gathers the gradients of one shard.
class ShardSink final : public Sink {
 public:
  Gradient& target(Node& leaf) override { return gradients_.try_emplace(&leaf, leaf.gradient.shape()).first->second; }
  void clear() {
    for (auto& entry : gradients_) entry.second.clear();
  }

 private:
  std::map<const Node*, Gradient> gradients_;
};

/// What a shard needs from one batch to the next: its memory and its gradients.
class Shards {
 public:
  Shards() = default;
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  /// The largest power of two that is at most min(samples, 32) and keeps the shards' dense gradients within 64 MB; 1 where samples
  /// act on each other.
  static Index count(Index samples, Index dense_bytes, bool mixes_samples);

  /// Runs body(shard, first sample, one past the last, sink) for each of `shards` parts of [0, samples), in parallel.
  void run(Index shards, Index samples, parallel::FunctionRef<void(Index shard, Index begin, Index end, Sink& sink)> body);

  /// Puts the sum of the shards' gradients into the parameters, whose own are forgotten.
  void reduce(Index shards, const std::vector<NamedParameter>& parameters);

 private:
  struct Slot {
    memory::Pool* pool = memory::lease_pool();
    ShardSink sink;
  };
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace fovea::train
