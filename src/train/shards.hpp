// One batch through a model, cut into shards that run side by side.
//
// The number of shards is a function of the batch and the model, never of the threads. The
// gradients of the shards are summed along one fixed binary tree. So losses, predictions and
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
  /// Returns the largest power of two that is at most 32, leaves each shard 512 positions, and
  /// keeps the shards' dense gradients within 64 MB; 1 where samples act on each other. `positions`
  /// is the largest number of rows that one sample has in the products of a layer. The products of
  /// a shard grow with its positions. The fixed cost of a shard, a gradient of every weight, does
  /// not.
  static Index count(Index samples, Index positions, Index dense_bytes, bool mixes_samples);

  /// Runs body(shard, first sample, one past the last, sink) for each of `shards` parts of [0,
  /// samples), in parallel.
  void run(Index shards, Index samples,
           parallel::FunctionRef<void(Index shard, Index begin, Index end, Sink& sink)> body);

  /// Replaces the gradients of the parameters by the sums of the shards' gradients. Each parameter
  /// requires gradients and is listed once.
  void reduce(Index shards, const std::vector<NamedParameter>& parameters);

  /// Returns whether a leaf that is none of the parameters got a gradient in the last run.
  bool has_unlisted(const std::vector<NamedParameter>& parameters) const;

 private:
  std::size_t used_ = 0;             // by the last run
  std::deque<LeafGradients> sinks_;  // a deque, whose elements stay in place when it grows
};

}}  // namespace fovea
