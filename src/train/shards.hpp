// One batch through a model, cut into shards that run side by side.
//
// The number of shards is a function of the batch and the model, never of the threads; the
// gradients of the shards are added along one fixed binary tree. So losses, predictions and
// gradients are the same bits on any number of threads.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/nn/module.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Gathers the gradients of one shard. Keeps the leaves alive: another node at the same address
/// would be taken for one of them.
class ShardSink final : public Sink {
 public:
  Gradient& target(Node& leaf) override {
    const auto found = gradients_.find(&leaf);
    return found != gradients_.end()
               ? found->second.gradient
               : gradients_.emplace(&leaf, Entry{NodePtr(&leaf), Gradient(leaf.gradient.shape())})
                     .first->second.gradient;
  }
  /// Whether a leaf of which `is_listed` says no has a gradient.
  template <class IsListed>
  bool has_other(const IsListed& is_listed) const {
    for (const auto& entry : gradients_)
      if (!entry.second.gradient.empty() && !is_listed(entry.first)) return true;
    return false;
  }
  /// Forgets the gradients, and the leaves that nobody else knows any more.
  void clear() {
    std::erase_if(gradients_, [](const auto& entry) {
      return entry.second.leaf->references.load(std::memory_order_relaxed) == 1;
    });
    for (auto& entry : gradients_) entry.second.gradient.clear();
  }

 private:
  struct Entry {
    NodePtr leaf;
    Gradient gradient;
  };
  std::map<const Node*, Entry> gradients_;
};

/// The gradients of all shards, whose memory is kept from one batch to the next.
class Shards {
 public:
  /// The largest power of two that is at most 32, leaves each shard 512 positions, and keeps the
  /// shards' dense gradients within 64 MB; 1 where samples act on each other. `positions`: the rows
  /// that a sample gives to the products of a layer, where it has most. A shard's products grow
  /// with its positions, and what it costs by itself, a gradient of every weight, does not.
  static Index count(Index samples, Index positions, Index dense_bytes, bool mixes_samples);

  /// Runs body(shard, first sample, one past the last, sink) for each of `shards` parts of [0,
  /// samples), in parallel.
  void run(Index shards, Index samples,
           parallel::FunctionRef<void(Index shard, Index begin, Index end, Sink& sink)> body);

  /// Puts the sum of the shards' gradients into the parameters, whose own are forgotten. Each
  /// requires gradients and is listed once.
  void reduce(Index shards, const std::vector<NamedParameter>& parameters);

  /// Whether a leaf that is none of the parameters got a gradient in the last run.
  bool has_unlisted(const std::vector<NamedParameter>& parameters) const;

 private:
  std::deque<ShardSink> sinks_;  // which stay where they are when there are more
};

}}  // namespace fovea
