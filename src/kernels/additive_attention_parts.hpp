// The parts of additive attention that its passes share: which positions are kept, a tile of
// positions, a tile of queries, and the scores of the two.
#pragma once

#include "fovea/memory/buffer.hpp"
#include "kernels/additive_attention.hpp"
#include "kernels/additive_attention_tile.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Pieces of `size` items, the last of which may be shorter.
constexpr Index pieces_of(Index count, Index size) { return (count + size - 1) / size; }

/// The positions that `keep` keeps, sample by sample, in ascending order.
class KeptPositions {
 public:
  KeptPositions(const std::uint8_t* keep, Index batch, Index time);

  const Index* of(Index sample) const { return positions_.data() + begin(sample); }
  Index count(Index sample) const { return end(sample) - begin(sample); }
  Index tiles(Index sample) const { return pieces_of(count(sample), tile_size); }
  Index most_tiles() const;

 private:
  Index begin(Index sample) const { return ends_.empty() || sample == 0 ? 0 : ends(sample - 1); }
  Index end(Index sample) const { return ends_.empty() ? time_ : ends(sample); }
  Index ends(Index sample) const { return ends_[static_cast<std::size_t>(sample)]; }

  memory::List<Index> positions_, ends_;  // without a mask, all samples share one list
  Index batch_, time_;
};

/// The inputs for those who visit kept positions only.
inline AdditiveInputs without_keep(AdditiveInputs in) {
  in.pattern.keep = nullptr;
  return in;
}

/// Up to 64 of the kept positions of a sample and a head of keys, with what is made from their
/// rows. Owns its memory, and can be filled again.
class KeyTile {
 public:
  /// Which copies of the values are made beside the exponentials.
  enum class Copies { none, values, transposed };
  KeyTile(const AdditiveInputs& in, const KeptPositions& kept, Copies copies);

  void fill(Index sample, Index head, Index number);

  Index count() const { return count_; }
  /// The number of columns in a tile of scores.
  Index columns() const { return padded(count_); }
  const Index* positions() const { return positions_; }
  /// From the first position to behind the last.
  Span span() const { return {positions_[0], positions_[count_ - 1] + 1}; }
  const real* key(Index j) const { return in_.k.at(sample_, head_, positions_[j]); }
  const real* value(Index j) const { return in_.values.at(sample_, head_, positions_[j]); }

  const real* b() const { return b_; }
  const real* b_transposed() const { return b_transposed_; }
  /// (count, padded(value width)), with 0 instead of numbers that are not finite.
  const real* values() const { return values_; }
  /// (value width, columns)
  const real* values_transposed() const { return values_; }
  bool any_beyond() const { return any_beyond_; }
  bool beyond(Index j) const { return beyond_[j] != 0; }
  bool any_spoiled() const { return any_spoiled_; }
  /// Whether a value holds a number that is not finite.
  bool spoiled(Index j) const { return spoiled_[j] != 0; }

 private:
  void copy_values();
  void transpose_values();

  const AdditiveInputs& in_;
  const KeptPositions& kept_;
  Copies copies_;
  Buffer buffer_;
  real *b_, *b_transposed_, *values_;
  std::uint8_t beyond_[tile_size] = {}, spoiled_[tile_size] = {};
  bool any_beyond_ = false, any_spoiled_ = false;
  Index sample_ = 0, head_ = 0, count_ = 0;
  const Index* positions_ = nullptr;
};

/// Up to 64 queries of a sample and a head.
struct QueryTile {
  Index sample, head, first, count;
  const real* a;               ///< exponentials, rows of padded(width)
  const std::uint8_t* beyond;  ///< rows with a number beyond the limit
  bool any_beyond;

  Span span() const { return {first, first + count}; }
};

/// The scores of a tile of queries against a tile of positions. Owns its memory, and can compute
/// again. Rows of a tile are key.columns() apart.
class TileScores {
 public:
  explicit TileScores(const AdditiveInputs& in);

  /// Computes scores with their cap, bias and mask: -infinity where a query does not look, and
  /// behind the last position. Returns false, with nothing computed, where no query looks at any.
  bool compute(const QueryTile& q, const KeyTile& key);

  real* scores() const { return scores_; }
  /// Scores before the bias; only with a cap.
  const real* capped() const { return capped_; }
  /// A byte for each pair that is looked at; null: all are.
  const std::uint8_t* keep() const { return all_ ? nullptr : keep_; }
  bool keeps(Index at) const { return all_ || keep_[at]; }

  /// What multiplies the weights, 0 where dropped; null without dropout.
  const real* drops(const QueryTile& q, const KeyTile& key);

  /// Calls pair(i, j) for each pair looked at in which a row holds a number beyond the limit.
  template <class Pair>
  void for_each_beyond(const QueryTile& q, const KeyTile& key, const Pair& pair) const {
    if (!q.any_beyond && !key.any_beyond()) return;
    for (Index i = 0; i < q.count; ++i)
      for (Index j = 0; j < key.count(); ++j)
        if ((q.beyond[i] || key.beyond(j)) && keeps(i * key.columns() + j)) pair(i, j);
  }

 private:
  void look(const QueryTile& q, const KeyTile& key);
  void drop_by_bias(const QueryTile& q, const KeyTile& key);
  void finish_row(const QueryTile& q, const KeyTile& key, Index i);
  void keep_all(const QueryTile& q, const KeyTile& key);

  const AdditiveInputs& in_;
  Buffer buffer_;
  real *scores_, *capped_, *drops_;
  std::uint8_t* keep_;
  bool all_ = true, none_ = false;
};

/// Makes the exponentials of a tile of queries at `a`, and its marks at `beyond`.
QueryTile query_tile(const AdditiveInputs& in, Index sample, Index head, Span queries, real* a,
                     std::uint8_t* beyond);

}}}  // namespace fovea::kernels
