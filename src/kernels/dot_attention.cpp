#include "kernels/dot_attention.hpp"

#include <limits>

#include "kernels/dot_attention_parts.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

using tile::lead, tile::positions;

// Scratch of one task: a tile of scores and what goes with it.
struct Forward {
  explicit Forward(const HeadSizes& sizes)
      : buffer((tile::queries * (3 * positions + lead(sizes.width) + lead(sizes.value_width) + 2)) *
               static_cast<Index>(sizeof(real))),
        s(buffer.as<real>()),
        t(s + tile::queries * positions),
        factor(t + tile::queries * positions),
        q(factor + tile::queries * positions),
        values(q + tile::queries * lead(sizes.width)),
        largest(values + tile::queries * lead(sizes.value_width)),
        sum(largest + tile::queries) {}
  Buffer buffer;
  real *s, *t, *factor, *q, *values, *largest, *sum;
};

// values += s v for one tile.
void add_values(const DotAttention& a, const tile::DotTile& at, const tile::Blocks& values,
                const Forward& f) {
  const Index width = a.sizes.value_width, h = at.head / a.sizes.shared(),
              block = at.position / positions;
  if (a.dropout > 0) {
    tile::keep_factors(a, at, f.factor);
    tile::multiply_each({f.s, at.queries, tile::columns(at)}, f.factor);
  }
  tile::multiply({f.s, positions, false, values.rows(at.sample, h, block), lead(width), f.values,
                  lead(width), at.queries, lead(width), at.positions, true});
  if (!values.is_finite(at.sample, h, block))
    tile::add_infinite(a, at, f.s, {a.v.at(at.sample, h, at.position), a.v.row, width, 1, false},
                       f.values);
}

// One tile of queries against all that they look at.
void attend(const DotAttention& a, const tile::DotTile& rows, const tile::Blocks& keys,
            const tile::Blocks* values, const Forward& f) {
  const Index width = values ? lead(a.sizes.value_width) : 0;
  const bool finite = tile::pack(a.q.at(rows.sample, rows.head, rows.query), a.q.row, rows.queries,
                                 a.sizes.width, tile::query_factor(a), f.q);
  std::fill_n(f.values, rows.queries * width, real(0));
  std::fill_n(f.largest, rows.queries, -std::numeric_limits<real>::infinity());
  std::fill_n(f.sum, rows.queries, real(0));
  const Span seen = a.pattern.positions_of({rows.query, rows.query + rows.queries});
  for (Index block = seen.begin / positions; block * positions < seen.end; ++block) {
    const tile::DotTile at = tile::tile_at(a, rows, block);
    if (at.looked == Looked::none) continue;
    tile::score(a, at, {f.q, finite}, keys, f.s, f.t);
    tile::go_on({f.s, at.queries, tile::columns(at)}, {f.largest, f.sum, f.values, width});
    if (values) add_values(a, at, *values, f);
  }
}

// Calls f(tile of queries) for [first, last) of the queries of all samples and heads, in tasks that
// depend on the shapes alone.
template <class F>
void for_queries(const DotAttention& a, Index first, Index last, const F& f) {
  const Index blocks = tile::pieces(last - first, tile::queries), heads = a.sizes.heads;
  parallel::for_range(a.sizes.batch * heads * blocks, 1, [&](Index begin, Index end) {
    const Forward scratch(a.sizes);
    for (Index i = begin; i < end; ++i) {
      const Index query = first + i % blocks * tile::queries;
      f(tile::DotTile{i / blocks / heads, i / blocks % heads, query,
                      std::min(tile::queries, last - query), 0, 0, Looked::none},
        scratch);
    }
  });
}

real norm_of(real largest, real sum) {
  return sum == 0 ? std::numeric_limits<real>::infinity() : largest + std::log2(sum);
}

}  // namespace

void dot_attention(const DotAttention& a, Index first, Index last, const MutableRows& context,
                   real* norm) {
  const HeadSizes& s = a.sizes;
  const tile::Blocks keys(a.k, s, s.width, false, true);
  const tile::Blocks values =
      context.data ? tile::Blocks(a.v, s, s.value_width, true, false) : tile::Blocks();
  for_queries(a, first, last, [&](const tile::DotTile& rows, const Forward& f) {
    attend(a, rows, keys, context.data ? &values : nullptr, f);
    for (Index i = 0; i < rows.queries; ++i) {
      norm[(rows.sample * s.heads + rows.head) * s.queries + rows.query + i] =
          norm_of(f.largest[i], f.sum[i]);
      if (!context.data) continue;
      const real factor = f.sum[i] == 0 ? real(0) : 1 / f.sum[i];
      real* const to = context.at(rows.sample, rows.head, rows.query + i);
      for (Index x = 0; x < s.value_width; ++x)
        to[x] = f.sum[i] == 0 ? real(0) : f.values[i * lead(s.value_width) + x] * factor;
    }
  });
}

void dot_attention_weights(const DotAttention& a, const real* norm, Index first, Index last,
                           real* weights) {
  const HeadSizes& s = a.sizes;
  const tile::Blocks keys(a.k, s, s.width, false, true);
  for_queries(a, first, last, [&](const tile::DotTile& rows, const Forward& f) {
    const Index row = rows.sample * s.heads + rows.head;
    real* const to = weights + (row * (last - first) + rows.query - first) * s.time;
    std::fill_n(to, rows.queries * s.time, real(0));
    const bool finite = tile::pack(a.q.at(rows.sample, rows.head, rows.query), a.q.row,
                                   rows.queries, s.width, tile::query_factor(a), f.q);
    for (Index block = 0; block * positions < s.time; ++block) {
      const tile::DotTile at = tile::tile_at(a, rows, block);
      if (at.looked == Looked::none) continue;
      tile::score(a, at, {f.q, finite}, keys, f.s, f.t);
      tile::weigh({f.s, at.queries, tile::columns(at)}, norm + row * s.queries + rows.query);
      for (Index i = 0; i < rows.queries; ++i)
        std::copy_n(f.s + i * positions, at.positions, to + i * s.time + at.position);
    }
  });
}

}}}  // namespace fovea::kernels
