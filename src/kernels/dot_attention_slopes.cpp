//   P_ij = 2^(s_ij - norm_i),  dP = dO V^T,  D_i = dO_i . O_i,  dS = P (dP - D)
//   dV = P^T dO,  dK = scale dS^T Q,  dQ = scale dS K
// A task owns some neighbouring positions of one head of keys and visits the queries that look at
// them once, with five products a tile; the parts of dQ are added up in the order of positions.
#include <limits>
#include <memory>

#include "kernels/dot_attention.hpp"
#include "kernels/dot_attention_parts.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

using tile::DotTile, tile::lead, tile::positions;

Index bytes_of(Index numbers) { return numbers * static_cast<Index>(sizeof(real)); }

// A tile of queries from one on.
DotTile rows_at(const DotAttention& a, Index sample, Index head, Index query) {
  return {sample, head, query,       std::min(tile::queries, a.sizes.queries - query),
          0,      0,    Looked::none};
}

// Scratch of one task.
struct Scratch {
  explicit Scratch(const HeadSizes& s)
      : buffer(bytes_of((4 * tile::queries) * positions +
                        (tile::queries + positions) * (lead(s.width) + lead(s.value_width)))),
        p(buffer.as<real>()),
        ds(p + tile::queries * positions),
        t(ds + tile::queries * positions),
        factor(t + tile::queries * positions),
        q(factor + tile::queries * positions),
        dcontext(q + tile::queries * lead(s.width)),
        dk(dcontext + tile::queries * lead(s.value_width)),
        dv(dk + positions * lead(s.width)) {}
  Buffer buffer;
  real *p, *ds, *t, *factor, *q, *dcontext, *dk, *dv;
};

// The way back of one attention: what all tasks read.
struct Backward {
  const DotAttention& a;
  const DotAdjoints& d;
  tile::Blocks keys, values;
  Buffer means;  // D of each row

  Backward(const DotAttention& attention, const DotAdjoints& adjoints)
      : a(attention),
        d(adjoints),
        keys(a.k, a.sizes, a.sizes.width, true, true),
        values(d.dcontext.data ? tile::Blocks(a.v, a.sizes, a.sizes.value_width, false, true)
                               : tile::Blocks()),
        means(bytes_of(a.sizes.batch * a.sizes.heads * a.sizes.queries)) {
    const Index rows = a.sizes.batch * a.sizes.heads * a.sizes.queries;
    parallel::for_range(rows, parallel::grain(a.sizes.value_width), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) means.as<real>()[row] = mean_of(row);
    });
  }

  real mean_of(Index row) const {
    const HeadSizes& s = a.sizes;
    const Index query = row % s.queries, h = row / s.queries % s.heads,
                b = row / s.queries / s.heads;
    if (d.norm[row] == std::numeric_limits<real>::infinity()) return 0;
    real sum = 0;
    if (d.dcontext.data) {
      const real *x = d.dcontext.at(b, h, query), *y = d.context.at(b, h, query);
      for (Index f = 0; f < s.value_width; ++f) sum += x[f] * y[f];
    }
    if (d.dweights)
      for (Index j = 0; j < s.time; ++j)
        if (const real w = d.weights[row * s.time + j]; w != 0)
          sum += w * d.dweights[row * s.time + j];
    return sum;
  }

  // Rows of q and of dcontext for the queries of a tile; whether they are finite.
  std::pair<bool, bool> pack(const DotTile& at, const Scratch& f) const {
    const bool q = tile::pack(a.q.at(at.sample, at.head, at.query), a.q.row, at.queries,
                              a.sizes.width, tile::query_factor(a), f.q);
    if (!d.dcontext.data) return {q, true};
    return {q, tile::pack(d.dcontext.at(at.sample, at.head, at.query), d.dcontext.row, at.queries,
                          a.sizes.value_width, 1, f.dcontext)};
  }

  // The weights p of a tile, and ds = dP: the gradient of the weights.
  void weights_of(const DotTile& at, const std::pair<bool, bool>& finite, const Scratch& f) const {
    const HeadSizes& s = a.sizes;
    const Index row = (at.sample * s.heads + at.head) * s.queries + at.query,
                h = at.head / s.shared(), block = at.position / positions, n = tile::columns(at);
    tile::score(a, at, {f.q, finite.first}, keys, f.p, f.t);
    tile::weigh({f.p, at.queries, n}, d.norm + row);
    if (d.dcontext.data) {
      tile::multiply({f.dcontext, lead(s.value_width), false,
                      values.transposed(at.sample, h, block), positions, f.ds, positions,
                      at.queries, n, s.value_width, false});
      if (!finite.second || !values.is_finite(at.sample, h, block))
        tile::repair(a, at, d.dcontext, a.v, s.value_width, 1, f.ds);
    } else {
      for (Index i = 0; i < at.queries; ++i) std::fill_n(f.ds + i * positions, n, real(0));
    }
    if (a.dropout > 0) {
      tile::keep_factors(a, at, f.factor);
      tile::multiply_each({f.ds, at.queries, n}, f.factor);
    }
    if (!d.dweights) return;
    for (Index i = 0; i < at.queries; ++i)
      for (Index j = 0; j < at.positions; ++j)
        f.ds[i * positions + j] += d.dweights[(row + i) * s.time + at.position + j];
  }

  // ds: the gradient of the scores before scale, cap and bias; `capped` leaves the cap to others.
  void scores_of(const DotTile& at, const Scratch& f, bool before_cap) const {
    const HeadSizes& s = a.sizes;
    const Index row = (at.sample * s.heads + at.head) * s.queries + at.query, n = tile::columns(at);
    tile::slopes({f.ds, at.queries, n}, f.p, means.as<real>() + row);
    if (before_cap && a.soft_cap > 0) tile::cap_slopes({f.ds, at.queries, n}, f.t);
    tile::drop(a, at, 0, f.ds);
    for (Index i = 0; i < at.queries; ++i) {
      std::fill(f.ds + i * positions + at.positions, f.ds + i * positions + n, real(0));
      if (!a.bias) continue;
      for (Index j = 0; j < at.positions; ++j)  // what -infinity in the bias drops
        if (f.p[i * positions + j] == 0) f.ds[i * positions + j] = 0;
    }
  }
};

// Parts of dQ: one for each strip of positions, of all samples, heads and queries.
struct Parts {
  Index strips, blocks;  // blocks of positions in a strip
  Index rows, width;
  Buffer numbers;

  explicit Parts(const HeadSizes& s) : rows(s.batch * s.heads * s.queries), width(lead(s.width)) {
    constexpr Index tasks = 32;  // enough for as many threads
    const Index all = std::max<Index>(1, tile::pieces(s.time, positions)),
                heads = std::max<Index>(1, s.batch * s.key_heads);
    blocks = tile::pieces(all, std::clamp<Index>(tile::pieces(tasks, heads), 1, all));
    strips = tile::pieces(all, blocks);
    numbers = Buffer(bytes_of(strips * rows * width));
  }
  real* at(Index strip, Index row) const {
    return numbers.as<real>() + (strip * rows + row) * width;
  }
  // The queries that look at a strip, in whole tiles.
  Span queries(const DotAttention& a, Index strip) const {
    const Index first = strip * blocks * positions;
    const Span seen =
        a.pattern.queries_of({first, std::min(first + blocks * positions, a.sizes.time)});
    return {seen.begin / tile::queries * tile::queries, seen.end};
  }
};

// dK and dV of a block, and parts of dQ, from one tile.
void add_tile(const Backward& back, const DotTile& at, real* dq, const Scratch& f) {
  const DotAttention& a = back.a;
  const HeadSizes& s = a.sizes;
  const Index h = at.head / s.shared(), block = at.position / positions, n = tile::columns(at);
  const std::pair<bool, bool> finite = back.pack(at, f);
  back.weights_of(at, finite, f);
  back.scores_of(at, f, true);
  tile::multiply({f.ds, positions, false, back.keys.rows(at.sample, h, block), lead(s.width), dq,
                  lead(s.width), at.queries, lead(s.width), at.positions, true});
  if (!back.keys.is_finite(at.sample, h, block))
    tile::add_infinite(a, at, f.ds, {a.k.at(at.sample, h, at.position), a.k.row, s.width, 1, false},
                       dq);
  tile::multiply({f.ds, positions, true, f.q, lead(s.width), f.dk, lead(s.width), at.positions,
                  lead(s.width), at.queries, true});
  if (!finite.first)
    tile::add_infinite(
        a, at, f.ds,
        {a.q.at(at.sample, at.head, at.query), a.q.row, s.width, tile::query_factor(a), true},
        f.dk);
  if (!back.d.dcontext.data) return;
  if (a.dropout > 0) tile::multiply_each({f.p, at.queries, n}, f.factor);
  tile::multiply({f.p, positions, true, f.dcontext, lead(s.value_width), f.dv, lead(s.value_width),
                  at.positions, lead(s.value_width), at.queries, true});
  if (!finite.second)
    tile::add_infinite(a, at, f.p,
                       {back.d.dcontext.at(at.sample, at.head, at.query), back.d.dcontext.row,
                        s.value_width, 1, true},
                       f.dv);
}

// to (+)= factor from, one row after another.
void put(const real* from, Index rows, Index width, real factor, real* to, Index row, bool add) {
  for (Index i = 0; i < rows; ++i)
    for (Index f = 0; f < width; ++f) {
      const real value = from[i * lead(width) + f] * factor;
      to[i * row + f] = add ? to[i * row + f] + value : value;
    }
}

// One block of positions of one head of keys, against all queries that look at it.
void visit_block(const Backward& back, const Parts& parts, const DotGradients& to,
                 const DotTile& first, const Scratch& f) {
  const DotAttention& a = back.a;
  const HeadSizes& s = a.sizes;
  const Index block = first.position / positions, strip = block / parts.blocks;
  std::fill_n(f.dk, positions * lead(s.width), real(0));
  std::fill_n(f.dv, positions * lead(s.value_width), real(0));
  const Span seen = a.pattern.queries_of({first.position, first.position + first.positions});
  for (Index h = first.head * s.shared(); h < (first.head + 1) * s.shared(); ++h)
    for (Index query = seen.begin / tile::queries * tile::queries; query < seen.end;
         query += tile::queries) {
      const DotTile at = tile::tile_at(a, rows_at(a, first.sample, h, query), block);
      if (at.looked == Looked::none) continue;
      const Index row = (first.sample * s.heads + h) * s.queries + query;
      add_tile(back, at, parts.at(strip, row), f);
    }
  const real factor = a.soft_cap > 0 ? a.soft_cap : static_cast<real>(0.69314718055994530942);
  if (to.dk.data)
    put(f.dk, first.positions, s.width, factor, to.dk.at(first.sample, first.head, first.position),
        to.dk.row, to.add_dk);
  if (to.dv.data)
    put(f.dv, first.positions, s.value_width, 1, to.dv.at(first.sample, first.head, first.position),
        to.dv.row, to.add_dv);
}

void visit_strip(const Backward& back, const Parts& parts, const DotGradients& to, Index task,
                 const Scratch& f) {
  const HeadSizes& s = back.a.sizes;
  const Index strip = task % parts.strips, h = task / parts.strips % s.key_heads,
              b = task / parts.strips / s.key_heads;
  const Span seen = parts.queries(back.a, strip);
  for (Index head = h * s.shared(); head < (h + 1) * s.shared(); ++head)
    std::fill(parts.at(strip, (b * s.heads + head) * s.queries + seen.begin),
              parts.at(strip, (b * s.heads + head) * s.queries + seen.end), real(0));
  for (Index block = strip * parts.blocks;
       block < (strip + 1) * parts.blocks && block * positions < s.time; ++block)
    visit_block(back, parts, to,
                {b, h, 0, 0, block * positions, std::min(positions, s.time - block * positions),
                 Looked::none},
                f);
}

// dQ from its parts.
void gather_queries(const DotAttention& a, const Parts& parts, const DotGradients& to) {
  const HeadSizes& s = a.sizes;
  parallel::for_range(
      parts.rows, parallel::grain(parts.strips * s.width), [&](Index begin, Index end) {
        const Buffer sums(bytes_of(lead(s.width)));
        for (Index row = begin; row < end; ++row) {
          const Index query = row % s.queries, h = row / s.queries % s.heads,
                      b = row / s.queries / s.heads;
          real* const sum = sums.as<real>();
          std::fill_n(sum, lead(s.width), real(0));
          for (Index strip = 0; strip < parts.strips; ++strip) {
            const Span seen = parts.queries(a, strip);
            if (query < seen.begin || query >= seen.end) continue;
            const real* const part = parts.at(strip, row);
            for (Index f = 0; f < s.width; ++f) sum[f] += part[f];
          }
          put(sum, 1, s.width, a.scale, to.dq.at(b, h, query), to.dq.row, to.add_dq);
        }
      });
}

// The gradient of the bias: a task owns a row of blocks of it, and adds all that it was repeated
// to, in order.
void bias_slopes(const Backward& back, const DotGradients& to) {
  const DotAttention& a = back.a;
  const HeadSizes& s = a.sizes;
  const auto [samples, heads, rows, steps] = to.bias_sizes;
  std::fill_n(to.dbias, samples * heads * rows * steps, real(0));
  const Index blocks = rows == 1 ? 1 : tile::pieces(s.queries, tile::queries);
  const Index tasks = samples * heads * blocks, all_rows = rows, all_samples = samples,
              all_heads = heads;
  const auto visit = [&](const DotTile& at, const Scratch& f) {
    back.weights_of(at, back.pack(at, f), f);
    back.scores_of(at, f, false);
    const auto& [sample, head, row, step] = a.bias_strides;
    real* const sum =
        to.dbias + at.sample * sample + at.head * head + at.query * row + at.position * step;
    for (Index i = 0; i < at.queries; ++i)
      for (Index j = 0; j < at.positions; ++j) sum[i * row + j * step] += f.ds[i * positions + j];
  };
  parallel::for_range(tasks, 1, [&](Index task, Index) {
    const Scratch f(s);
    const Index piece = task % blocks, head = task / blocks % all_heads,
                sample = task / blocks / all_heads;
    for (Index b = sample; b < s.batch; b += all_samples)
      for (Index h = head; h < s.heads; h += all_heads)
        for (Index query = piece * tile::queries; query < s.queries;
             query += all_rows == 1 ? tile::queries : s.queries)
          for (Index block = 0; block * positions < s.time; ++block) {
            const DotTile at = tile::tile_at(a, rows_at(a, b, h, query), block);
            if (at.looked != Looked::none) visit(at, f);
          }
  });
}

}  // namespace

void dot_attention_slopes(const DotAttention& a, const DotAdjoints& d, const DotGradients& to) {
  const Backward back(a, d);
  if (to.dq.data || to.dk.data || to.dv.data) {
    const Parts parts(a.sizes);
    parallel::for_range(a.sizes.batch * a.sizes.key_heads * parts.strips, 1,
                        [&](Index begin, Index end) {
                          const Scratch scratch(a.sizes);
                          for (Index task = begin; task < end; ++task)
                            visit_strip(back, parts, to, task, scratch);
                        });
    if (to.dq.data) gather_queries(a, parts, to);
  }
  if (to.dbias) bias_slopes(back, to);
}

}}}  // namespace fovea::kernels
