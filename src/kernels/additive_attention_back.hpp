// What the ways back through additive attention share: what is made once for each query, and the
// gradients of a tile of scores.
#pragma once

#include "kernels/additive_attention_parts.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What is made once for each query: exponentials, and sum_j w_ij dw_ij.
class Queries {
 public:
  Queries(const AdditiveInputs& in, const AdditiveAdjoints& d);

  /// The number of tiles of queries.
  Index blocks() const { return blocks_; }
  QueryTile tile(Index sample, Index head, Index block) const;

  real mean(const QueryTile& q, Index i) const {
    return means_[row(q.sample, q.head, q.first + i)];
  }
  /// Whether the gradient of a context holds a number that is not finite.
  bool spoiled(const QueryTile& q, Index i) const {
    return spoiled_[row(q.sample, q.head, q.first + i)] != 0;
  }

 private:
  Index row(Index sample, Index head, Index query) const {
    return (sample * in_.sizes.heads + head) * in_.sizes.queries + query;
  }
  void make(Index number);
  real given_to_weights(Index row) const;

  const AdditiveInputs& in_;
  const AdditiveAdjoints& d_;
  Index blocks_;
  Buffer buffer_;
  real *a_, *means_;
  std::uint8_t *beyond_, *spoiled_;
};

/// The gradients of a tile of scores. Rows are key.columns() apart.
class TileSlopes {
 public:
  TileSlopes(const AdditiveInputs& in, const AdditiveAdjoints& d, const Queries& queries);

  /// Computes the gradients of scores as they are after the cap and with the bias; returns false
  /// where no query looks at any position.
  bool compute(const QueryTile& q, const KeyTile& key);
  /// Turns them into the gradients of scores before the cap.
  void through_cap(const QueryTile& q, const KeyTile& key);

  const real* slopes() const { return slopes_; }
  /// The weights that multiplied the values: those after dropout.
  const real* used() const { return used_; }
  const TileScores& scores() const { return tile_; }

 private:
  void softmax_row(const QueryTile& q, const KeyTile& key, Index i, const real* drops);

  const AdditiveInputs& in_;
  const AdditiveAdjoints& d_;
  const Queries& queries_;
  TileScores tile_;
  Buffer buffer_;
  real *slopes_, *used_, *dweights_;
};

}}}  // namespace fovea::kernels
