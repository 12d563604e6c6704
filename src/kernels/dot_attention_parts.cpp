#include "kernels/dot_attention_parts.hpp"

#include <array>
#include <limits>
#include <span>

#include "kernels/transpose.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace tile {

namespace {

constexpr real log2_e = static_cast<real>(1.4426950408889634074);

bool all_finite(const real* x, Index count, real factor = 1) {
  return std::all_of(x, x + count, [=](real v) { return std::isfinite(v * factor); });
}

// Whether a pair of a tile is kept, by the pattern and by a bias above -infinity.
bool keeps(const DotAttention& a, const DotTile& at, Index i, Index j) {
  if (!a.pattern.keeps(at.sample, at.head, at.query + i, at.position + j)) return false;
  const auto& [sample, head, row, step] = a.bias_strides;
  return !a.bias || a.bias[at.sample * sample + at.head * head + (at.query + i) * row +
                           (at.position + j) * step] != -std::numeric_limits<real>::infinity();
}

}  // namespace

void Block::read(const Matrix& x, real factor, bool as_given) {
  const Index row = lead(x.width);
  std::fill(rows + x.rows * row, rows + positions * row, real(0));
  finite = pack(x.data, x.lead, x.rows, x.width, factor, rows);
  if (transposed) transpose(rows, positions, x.width, row, transposed, positions);
  if (as_given && factor != 1) finite &= pack(x.data, x.lead, x.rows, x.width, 1, rows);
}

QueryRows finite_rows(const Matrix& x, bool finite, real* room) {
  if (finite) return {x.data, x.lead, true};
  pack(x.data, x.lead, x.rows, x.width, 1, room);
  return {room, lead(x.width), false};
}

real key_factor(const DotAttention& a) {
  return a.soft_cap > 0 ? a.scale / a.soft_cap : a.scale * log2_e;
}

void repair(const DotAttention& a, const DotTile& at, const Rows& left, const Rows& right,
            Index width, real factor, real* s) {
  const Index h = at.head / a.sizes.shared();
  for (Index j = 0; j < at.positions; ++j) {
    const real* const y = right.at(at.sample, h, at.position + j);
    const bool finite = all_finite(y, width, factor);
    for (Index i = 0; i < at.queries; ++i) {
      const real* const x = left.at(at.sample, at.head, at.query + i);
      if (finite && all_finite(x, width)) continue;
      if (!keeps(a, at, i, j)) continue;
      real sum = 0;
      for (Index f = 0; f < width; ++f) sum += x[f] * factor * y[f];
      s[i * positions + j] = sum;
    }
  }
}

void add_infinite(const DotAttention& a, const DotTile& at, const real* factor, const GivenRows& x,
                  const Sums& to) {
  for (Index i = 0; i < at.queries; ++i)
    for (Index j = 0; j < at.positions; ++j) {
      const real* const from = x.x + (x.of_queries ? i : j) * x.lead;
      if (all_finite(from, x.width) || !keeps(a, at, i, j)) continue;
      real* const sum = to.data + (x.of_queries ? j : i) * to.row;
      for (Index f = 0; f < x.width; ++f)
        if (!std::isfinite(from[f])) sum[f * to.step] += factor[i * positions + j] * from[f];
    }
}

void drop(const DotAttention& a, const DotTile& at, real value, real* s) {
  if (at.looked == Looked::all) return;
  for (Index i = 0; i < at.queries; ++i) {
    const Span range = a.pattern.positions_of({at.query + i, at.query + i + 1});
    const Index begin = std::clamp<Index>(range.begin - at.position, 0, at.positions),
                end = std::clamp<Index>(range.end - at.position, begin, at.positions);
    real* const row = s + i * positions;
    std::fill(row, row + begin, value);
    std::fill(row + end, row + at.positions, value);
    for (Index j = begin; j < end && a.pattern.asks_each(); ++j)
      if (!a.pattern.keeps(at.sample, at.head, at.query + i, at.position + j)) row[j] = value;
  }
}

void keep_factors(const DotAttention& a, const DotTile& at, real* factor) {
  std::array<real, positions> uniform;
  const real kept = a.dropout < 1 ? 1 / (1 - a.dropout) : real(0);
  for (Index i = 0; i < at.queries; ++i) {
    const Index row = (at.sample * a.sizes.heads + at.head) * a.sizes.queries + at.query + i;
    a.random->fill(static_cast<std::uint64_t>(a.first_weight + row * a.sizes.time + at.position),
                   std::span(uniform).first(static_cast<std::size_t>(at.positions)));
    for (Index j = 0; j < positions; ++j)
      factor[i * positions + j] =
          j < at.positions && uniform[static_cast<std::size_t>(j)] >= a.dropout ? kept : real(0);
  }
}

void multiply_each(const Scores& t, const real* factor) {
  for (Index i = 0; i < t.rows; ++i)
    for (Index j = 0; j < t.columns; ++j) t.s[i * positions + j] *= factor[i * positions + j];
}

void score(const DotAttention& a, const DotTile& at, const QueryRows& q, const Block& keys, real* s,
           real* t) {
  const Index width = a.sizes.width;
  constexpr real lowest = -std::numeric_limits<real>::infinity();
  multiply({q.data, q.lead, false, keys.transposed, positions, s, positions, at.queries,
            columns(at), width, false});
  if (!q.finite || !keys.finite) repair(a, at, a.q, a.k, width, key_factor(a), s);
  if (a.soft_cap > 0) cap({s, at.queries, columns(at)}, a.soft_cap * log2_e, t);
  if (a.bias) {
    const auto& [sample, head, row, step] = a.bias_strides;
    add_bias({s, at.queries, columns(at)},
             a.bias + at.sample * sample + at.head * head + at.query * row + at.position * step,
             row, step, at.positions);
  }
  drop(a, at, lowest, s);
  for (Index i = 0; i < at.queries; ++i)
    std::fill(s + i * positions + at.positions, s + i * positions + columns(at), lowest);
}

}}}}  // namespace fovea::kernels::tile
