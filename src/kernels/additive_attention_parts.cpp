#include "kernels/additive_attention_parts.hpp"

#include <cmath>
#include <limits>
#include <span>

#include "kernels/transpose.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

constexpr real nowhere = -std::numeric_limits<real>::infinity();
constexpr auto bytes_of_real = static_cast<Index>(sizeof(real));

// Numbers of each position of a tile, by a stride: 0 repeats the first.
real across(const real* row, Index stride, Index position) { return row[position * stride]; }

}  // namespace

KeptPositions::KeptPositions(const std::uint8_t* keep, Index batch, Index time)
    : batch_(batch), time_(time) {
  for (Index sample = 0; sample < (keep ? batch : 1); ++sample) {
    for (Index t = 0; t < time; ++t)
      if (!keep || keep[sample * time + t]) positions_.push_back(t);
    if (keep) ends_.push_back(static_cast<Index>(positions_.size()));
  }
}

Index KeptPositions::most_tiles() const {
  Index most = 0;
  for (Index sample = 0; sample < batch_; ++sample) most = std::max(most, tiles(sample));
  return most;
}

KeyTile::KeyTile(const AdditiveInputs& in, const KeptPositions& kept, Copies copies)
    : in_(in),
      kept_(kept),
      copies_(copies),
      buffer_(tile_size * bytes_of_real *
              (2 * padded(in.sizes.width) +
               (copies == Copies::none ? 0 : padded(in.sizes.value_width)))),
      b_(buffer_.as<real>()),
      b_transposed_(b_ + tile_size * padded(in.sizes.width)),
      values_(b_transposed_ + tile_size * padded(in.sizes.width)) {}

void KeyTile::fill(Index sample, Index head, Index number) {
  const Index width = in_.sizes.width, lead = padded(width);
  sample_ = sample;
  head_ = head;
  positions_ = kept_.of(sample) + number * tile_size;
  count_ = std::min(tile_size, kept_.count(sample) - number * tile_size);
  any_beyond_ = false;
  if (span().end - span().begin == count_) {
    any_beyond_ = double_exponentials(key(0), count_, width, in_.k.row, b_, beyond_);
  } else {
    for (Index j = 0; j < count_; ++j)
      any_beyond_ |= double_exponentials(key(j), 1, width, width, b_ + j * lead, beyond_ + j);
  }
  transpose(b_, count_, width, lead, b_transposed_, tile_size);
  for (Index u = 0; u < width; ++u)
    std::fill(b_transposed_ + u * tile_size + count_, b_transposed_ + u * tile_size + columns(),
              real(0));
  if (copies_ == Copies::values) copy_values();
  if (copies_ == Copies::transposed) transpose_values();
}

void KeyTile::copy_values() {
  const Index width = in_.sizes.value_width, lead = padded(width);
  any_spoiled_ = false;
  for (Index j = 0; j < count_; ++j) {
    real* const to = values_ + j * lead;
    std::fill(std::copy_n(value(j), width, to), to + lead, real(0));
    spoiled_[j] = !all_finite(to, width);
    if (!spoiled_[j]) continue;
    any_spoiled_ = true;
    for (Index c = 0; c < width; ++c)
      if (!std::isfinite(to[c])) to[c] = 0;
  }
}

void KeyTile::transpose_values() {
  const Index width = in_.sizes.value_width;
  if (span().end - span().begin == count_) {
    transpose(value(0), count_, width, in_.values.row, values_, columns());
  } else {
    for (Index j = 0; j < count_; ++j)
      for (Index c = 0; c < width; ++c) values_[c * columns() + j] = value(j)[c];
  }
  for (Index c = 0; c < width; ++c)
    std::fill(values_ + c * columns() + count_, values_ + (c + 1) * columns(), real(0));
}

QueryTile query_tile(const AdditiveInputs& in, Index sample, Index head, Span queries, real* a,
                     std::uint8_t* beyond) {
  const Index count = queries.end - queries.begin;
  const bool any = double_exponentials(in.q.at(sample, head, queries.begin), count, in.sizes.width,
                                       in.q.row, a, beyond);
  return {sample, head, queries.begin, count, a, beyond, any};
}

TileScores::TileScores(const AdditiveInputs& in)
    : in_(in), buffer_(tile_size * tile_size * (3 * bytes_of_real + 1)) {
  scores_ = buffer_.as<real>();
  capped_ = scores_ + tile_size * tile_size;
  drops_ = capped_ + tile_size * tile_size;
  keep_ = reinterpret_cast<std::uint8_t*>(drops_ + tile_size * tile_size);
}

// Sets all_ or none_, or else the bytes of keep_.
void TileScores::look(const QueryTile& q, const KeyTile& key) {
  const Looked looked = in_.pattern.at(q.sample, q.span(), key.span());
  all_ = looked == Looked::all;
  none_ = looked == Looked::none;
  if (!all_ && !none_) {
    Index kept = 0;
    for (Index i = 0; i < q.count; ++i)
      kept += in_.pattern.row(q.sample, q.head, q.first + i, key.positions(), key.count(),
                              keep_ + i * key.columns());
    all_ = kept == q.count * key.count();
    none_ = kept == 0;
  }
  if (in_.bias.data && !none_) drop_by_bias(q, key);
}

void TileScores::keep_all(const QueryTile& q, const KeyTile& key) {
  if (all_) std::fill_n(keep_, q.count * key.columns(), std::uint8_t(1));
  all_ = false;
}

void TileScores::drop_by_bias(const QueryTile& q, const KeyTile& key) {
  for (Index i = 0; i < q.count; ++i) {
    const real* const bias = in_.bias.at(q.sample, q.head, q.first + i);
    for (Index j = 0; j < key.count(); ++j)
      if (across(bias, in_.bias.strides[3], key.positions()[j]) == nowhere) {
        keep_all(q, key);
        keep_[i * key.columns() + j] = 0;
      }
  }
}

bool TileScores::compute(const QueryTile& q, const KeyTile& key) {
  look(q, key);
  if (none_) return false;
  additive_scores(
      {q.count, key.columns(), in_.sizes.width, q.a, key.b_transposed(), in_.v, scores_});
  for_each_beyond(q, key, [&](Index i, Index j) {
    scores_[i * key.columns() + j] =
        additive_score(in_.q.at(q.sample, q.head, q.first + i), key.key(j), in_.v, in_.sizes.width);
  });
  for (Index i = 0; i < q.count; ++i) finish_row(q, key, i);
  return true;
}

void TileScores::finish_row(const QueryTile& q, const KeyTile& key, Index i) {
  const Index at = i * key.columns();
  real* const row = scores_ + at;
  if (in_.soft_cap > 0) {
    cap_scores(row, key.columns(), in_.soft_cap, capped_ + at);
    std::copy_n(capped_ + at, key.columns(), row);
  }
  if (in_.bias.data) {
    const real* const bias = in_.bias.at(q.sample, q.head, q.first + i);
    for (Index j = 0; j < key.count(); ++j)
      row[j] += across(bias, in_.bias.strides[3], key.positions()[j]);
  }
  if (!all_)
    for (Index j = 0; j < key.count(); ++j)
      if (!keep_[at + j]) row[j] = nowhere;
  std::fill(row + key.count(), row + key.columns(), nowhere);
}

const real* TileScores::drops(const QueryTile& q, const KeyTile& key) {
  if (in_.drop_rate <= 0) return nullptr;
  const HeadSizes& s = in_.sizes;
  const real factor = in_.drop_rate < 1 ? 1 / (1 - in_.drop_rate) : real(0);
  real uniform[tile_size];
  for (Index i = 0; i < q.count; ++i) {
    const Index row =
        in_.first_drop + ((q.sample * s.heads + q.head) * s.queries + q.first + i) * s.time;
    const bool together = key.span().end - key.span().begin == key.count();
    if (together)
      in_.random->fill(static_cast<std::uint64_t>(row + key.span().begin),
                       std::span(uniform).first(static_cast<std::size_t>(key.count())));
    for (Index j = 0; j < key.count(); ++j) {
      const real drawn =
          together ? uniform[j]
                   : in_.random->uniform(static_cast<std::uint64_t>(row + key.positions()[j]));
      drops_[i * key.columns() + j] = drawn >= in_.drop_rate ? factor : real(0);
    }
    std::fill(drops_ + i * key.columns() + key.count(), drops_ + (i + 1) * key.columns(), real(0));
  }
  return drops_;
}

}}}  // namespace fovea::kernels
