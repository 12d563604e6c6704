// One batch through a model, cut into shards that run side by side.
//
// The number of shards is a function of the batch and the model, never of the threads; the
// gradients of the shards are added along one fixed binary tree. So losses, predictions and
// gradients are the same bits on any number of threads.
#pragma once

#include <deque>
#include <vector>

#include "diff/leaf_gradients.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/nn/module.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

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
  std::size_t used_ = 0;             // by the last run
  std::deque<LeafGradients> sinks_;  // which stay where they are when there are more
};

}}  // namespace fovea
