//   P_ij = 2^(s_ij - norm_i),  dP = dO V^T,  D_i = dO_i . O_i,  dS = P (dP - D)
//   dV = P^T dO,  dK = scale dS^T Q,  dQ = scale dS K
// A task owns some neighbouring positions of one head of keys and visits the queries that look at
// them once, with five products a tile; the parts of dQ are added up in the order of positions.
#include <limits>
#include <utility>

#include "kernels/dot_attention.hpp"
#include "kernels/dot_attention_parts.hpp"
#include "kernels/transpose.hpp"
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

// Scratch of one task: tiles of scores, a block of keys and one of values, and the sums of its
// gradients with axes exchanged, so that rows of queries are read where they are.
struct Scratch {
  explicit Scratch(const HeadSizes& s)
      : buffer(bytes_of(4 * tile::queries * positions +
                        (tile::queries + positions) * (lead(s.width) + lead(s.value_width)) +
                        2 * positions * (s.width + s.value_width))),
        p(buffer.as<real>()),
        ds(p + tile::queries * positions),
        t(ds + tile::queries * positions),
        factor(t + tile::queries * positions),
        q(factor + tile::queries * positions),
        dcontext(q + tile::queries * lead(s.width)),
        keys{dcontext + tile::queries * lead(s.value_width), nullptr, true},
        values{keys.rows + positions * lead(s.width), nullptr, true},
        dk(values.rows + positions * lead(s.value_width)),
        dv(dk + s.width * positions) {
    keys.transposed = dv + s.value_width * positions;
    values.transposed = keys.transposed + s.width * positions;
  }
  Buffer buffer, part;  // part: of dQ, where no other task has one
  real *p, *ds, *t, *factor, *q, *dcontext;
  tile::Block keys, values;
  real *dk, *dv;
};

// The rows of q and of dcontext for the queries of a tile.
struct Asking {
  tile::QueryRows q, dcontext;
};

// The way back of one attention: what all tasks read.
struct Backward {
  const DotAttention& a;
  const DotAdjoints& d;
  Buffer means;    // D of each row
  Buffer finites;  // of each tile of queries: whether q is finite, and whether dcontext

  Backward(const DotAttention& attention, const DotAdjoints& adjoints)
      : a(attention),
        d(adjoints),
        means(bytes_of(a.sizes.batch * a.sizes.heads * a.sizes.queries)),
        finites(2 * a.sizes.batch * a.sizes.heads * tiles()) {}

  // Prepares all queries.
  void prepare() const {
    const Index heads = a.sizes.heads;
    parallel::for_range(a.sizes.batch * heads * tiles(),
                        parallel::grain(tile::queries * (a.sizes.width + 2 * a.sizes.value_width)),
                        [&](Index begin, Index end) {
                          for (Index i = begin; i < end; ++i)
                            prepare(rows_at(a, i / tiles() / heads, i / tiles() % heads,
                                            i % tiles() * tile::queries));
                        });
  }

  // Prepares the queries of some heads of a sample.
  void prepare(Index sample, Index first_head, Index last_head) const {
    for (Index head = first_head; head < last_head; ++head)
      for (Index query = 0; query < a.sizes.queries; query += tile::queries)
        prepare(rows_at(a, sample, head, query));
  }

  Index tiles() const { return tile::pieces(a.sizes.queries, tile::queries); }
  Index row(const DotTile& at) const {
    return (at.sample * a.sizes.heads + at.head) * a.sizes.queries + at.query;
  }
  bool* finite(const DotTile& at) const {
    return finites.as<bool>() +
           2 * ((at.sample * a.sizes.heads + at.head) * tiles() + at.query / tile::queries);
  }
  tile::Matrix q(const DotTile& at) const {
    return {a.q.at(at.sample, at.head, at.query), a.q.row, at.queries, a.sizes.width};
  }
  tile::Matrix dcontext(const DotTile& at) const {
    return {d.dcontext.at(at.sample, at.head, at.query), d.dcontext.row, at.queries,
            a.sizes.value_width};
  }

  // What has to be known of a tile of queries before any of its weights.
  void prepare(const DotTile& at) const {
    real* const mean = means.as<real>() + row(at);
    finite(at)[0] = tile::is_finite(q(at));
    finite(at)[1] = !d.dcontext.data || tile::is_finite(dcontext(at));
    std::fill_n(mean, at.queries, real(0));
    if (d.dcontext.data)
      tile::dots(dcontext(at), d.context.at(at.sample, at.head, at.query), d.context.row, mean);
    for (Index i = 0; i < at.queries; ++i) {
      if (d.norm[row(at) + i] == std::numeric_limits<real>::infinity())
        mean[i] = 0;
      else if (d.dweights)
        add_mean_of_weights(row(at) + i, mean[i]);
    }
  }

  void add_mean_of_weights(Index row, real& sum) const {
    for (Index j = row * a.sizes.time; j < (row + 1) * a.sizes.time; ++j)
      if (d.weights[j] != 0) sum += d.weights[j] * d.dweights[j];
  }

  Asking asking(const DotTile& at, const Scratch& f) const {
    return {tile::finite_rows(q(at), finite(at)[0], f.q),
            d.dcontext.data ? tile::finite_rows(dcontext(at), finite(at)[1], f.dcontext)
                            : tile::QueryRows{nullptr, 0, true}};
  }

  // Reads the keys and values of a tile's block.
  void read(const DotTile& at, Scratch& f) const {
    const Index h = at.head / a.sizes.shared(), first = at.position / positions * positions,
                n = std::min(positions, a.sizes.time - first);
    f.keys.read({a.k.at(at.sample, h, first), a.k.row, n, a.sizes.width}, tile::key_factor(a),
                true);
    if (d.dcontext.data)
      f.values.read({a.v.at(at.sample, h, first), a.v.row, n, a.sizes.value_width}, 1, true);
  }

  // The weights p of a tile, and ds = dP: the gradient of the weights.
  void weights_of(const DotTile& at, const Asking& rows, const Scratch& f) const {
    const Index n = tile::columns(at);
    tile::score(a, at, rows.q, f.keys, f.p, f.t);
    tile::weigh({f.p, at.queries, n}, d.norm + row(at));
    if (d.dcontext.data) {
      tile::multiply({rows.dcontext.data, rows.dcontext.lead, false, f.values.transposed, positions,
                      f.ds, positions, at.queries, n, a.sizes.value_width, false});
      if (!rows.dcontext.finite || !f.values.finite)
        tile::repair(a, at, d.dcontext, a.v, a.sizes.value_width, 1, f.ds);
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
        f.ds[i * positions + j] += d.dweights[(row(at) + i) * a.sizes.time + at.position + j];
  }

  // ds: the gradient of the scores before scale, cap and bias; `capped` leaves the cap to others.
  void scores_of(const DotTile& at, const Scratch& f, bool before_cap) const {
    const Index n = tile::columns(at);
    tile::slopes({f.ds, at.queries, n}, f.p, means.as<real>() + row(at));
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

// Strips of positions, each the task of one thread, and their parts of dQ: of all samples, heads
// and queries. Where one strip has all positions, its task keeps its part to itself.
struct Strips {
  Index count, blocks;  // blocks of positions in a strip
  Index width;
  Index rows;  // of dQ that one head of keys is asked by
  Buffer parts;

  explicit Strips(const HeadSizes& s) : width(lead(s.width)), rows(s.shared() * s.queries) {
    constexpr Index tasks = 32;  // enough for as many threads
    const Index all = std::max<Index>(1, tile::pieces(s.time, positions)),
                heads = std::max<Index>(1, s.batch * s.key_heads);
    blocks = tile::pieces(all, std::clamp<Index>(tile::pieces(tasks, heads), 1, all));
    count = tile::pieces(all, blocks);
    if (count > 1) parts = Buffer(bytes_of(count * s.batch * s.heads * s.queries * width));
  }
  // The part of the rows from one on that a strip has.
  real* part(const HeadSizes& s, Index strip, Index row) const {
    return parts.as<real>() + (strip * s.batch * s.heads * s.queries + row) * width;
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
  const Index n = tile::columns(at);
  const Asking rows = back.asking(at, f);
  back.weights_of(at, rows, f);
  back.scores_of(at, f, true);
  tile::multiply({f.ds, positions, false, f.keys.rows, lead(s.width), dq, lead(s.width), at.queries,
                  lead(s.width), at.positions, true});
  if (!f.keys.finite)
    tile::add_infinite(
        a, at, f.ds,
        {a.k.at(at.sample, at.head / s.shared(), at.position), a.k.row, s.width, false},
        {dq, lead(s.width), 1});
  tile::multiply({rows.q.data, rows.q.lead, true, f.ds, positions, f.dk, positions, s.width, n,
                  at.queries, true});
  if (!rows.q.finite)
    tile::add_infinite(a, at, f.ds, {back.q(at).data, a.q.row, s.width, true},
                       {f.dk, 1, positions});
  if (!back.d.dcontext.data) return;
  if (a.dropout > 0) tile::multiply_each({f.p, at.queries, n}, f.factor);
  tile::multiply({rows.dcontext.data, rows.dcontext.lead, true, f.p, positions, f.dv, positions,
                  s.value_width, n, at.queries, true});
  if (!rows.dcontext.finite)
    tile::add_infinite(a, at, f.p,
                       {back.dcontext(at).data, back.d.dcontext.row, s.value_width, true},
                       {f.dv, 1, positions});
}

// to (+)= factor times the sums of a block, which have their axes exchanged; `room` is for rows.
void put_block(const real* sums, Index width, real factor, real* room, const DotTile& block,
               const MutableRows& to, bool add) {
  transpose(sums, width, positions, positions, room, lead(width));
  tile::put({room, lead(width), block.positions, width}, {&factor, 0},
            to.at(block.sample, block.head, block.position), to.row, add);
}

// One block of positions of one head of keys, against all queries that look at it: dK, dV, and
// what is added to dQ, whose rows begin with those of the first head that looks.
void visit_block(const Backward& back, const DotGradients& to, const DotTile& first, real* dq,
                 Scratch& f) {
  const DotAttention& a = back.a;
  const HeadSizes& s = a.sizes;
  std::fill_n(f.dk, positions * s.width, real(0));
  std::fill_n(f.dv, positions * s.value_width, real(0));
  bool is_read = false;
  const Span seen = a.pattern.queries_of({first.position, first.position + first.positions});
  for (Index h = 0; h < s.shared(); ++h)
    for (Index query = seen.begin / tile::queries * tile::queries; query < seen.end;
         query += tile::queries) {
      const DotTile at =
          tile::tile_at(a, rows_at(a, first.sample, first.head * s.shared() + h, query),
                        first.position / positions);
      if (at.looked == Looked::none) continue;
      if (!std::exchange(is_read, true)) back.read(at, f);
      add_tile(back, at, dq + (h * s.queries + query) * lead(s.width), f);
    }
  if (to.dk.data) put_block(f.dk, s.width, a.scale, f.keys.rows, first, to.dk, to.add_dk);
  if (to.dv.data) put_block(f.dv, s.value_width, 1, f.values.rows, first, to.dv, to.add_dv);
}

// One strip of one head of keys.
void visit_strip(const Backward& back, const Strips& strips, const DotGradients& to, Index task,
                 Scratch& f) {
  const HeadSizes& s = back.a.sizes;
  const Index strip = task % strips.count, h = task / strips.count % s.key_heads,
              b = task / strips.count / s.key_heads, head = h * s.shared();
  const Span seen = strips.queries(back.a, strip);
  real* const dq = strips.count > 1 ? strips.part(s, strip, (b * s.heads + head) * s.queries)
                                    : f.part.as<real>();
  if (strips.count > 1) {
    for (Index first = 0; first < strips.rows; first += s.queries)
      std::fill(dq + (first + seen.begin) * strips.width, dq + (first + seen.end) * strips.width,
                real(0));
  } else {
    std::fill_n(dq, strips.rows * strips.width, real(0));
    back.prepare(b, head, head + s.shared());
  }
  for (Index block = strip * strips.blocks;
       block < (strip + 1) * strips.blocks && block * positions < s.time; ++block)
    visit_block(back, to,
                {b, h, 0, 0, block * positions, std::min(positions, s.time - block * positions),
                 Looked::none},
                dq, f);
  for (Index i = 0; strips.count == 1 && to.dq.data && i < s.shared(); ++i)
    tile::put({dq + i * s.queries * strips.width, strips.width, s.queries, s.width},
              {&back.a.scale, 0}, to.dq.at(b, head + i, 0), to.dq.row, to.add_dq);
}

// dQ from its parts.
void gather_queries(const DotAttention& a, const Strips& strips, const DotGradients& to) {
  constexpr real one = 1;
  const HeadSizes& s = a.sizes;
  parallel::for_range(
      s.batch * s.heads * s.queries, parallel::grain(strips.count * s.width),
      [&](Index begin, Index end) {
        const Buffer room(bytes_of(lead(s.width)));
        real* const sum = room.as<real>();
        for (Index row = begin; row < end; ++row) {
          const Index query = row % s.queries, h = row / s.queries % s.heads,
                      b = row / s.queries / s.heads;
          std::fill_n(sum, lead(s.width), real(0));
          for (Index strip = 0; strip < strips.count; ++strip) {
            const Span seen = strips.queries(a, strip);
            if (query >= seen.begin && query < seen.end)
              tile::put({strips.part(s, strip, row), 0, 1, lead(s.width)}, {&one, 0}, sum, 0, true);
          }
          tile::put({sum, 0, 1, s.width}, {&a.scale, 0}, to.dq.at(b, h, query), 0, to.add_dq);
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
  const auto visit = [&](const DotTile& at, Scratch& f) {
    back.read(at, f);
    back.weights_of(at, back.asking(at, f), f);
    back.scores_of(at, f, false);
    const auto& [sample, head, row, step] = a.bias_strides;
    real* const sum =
        to.dbias + at.sample * sample + at.head * head + at.query * row + at.position * step;
    for (Index i = 0; i < at.queries; ++i)
      for (Index j = 0; j < at.positions; ++j) sum[i * row + j * step] += f.ds[i * positions + j];
  };
  parallel::for_range(tasks, 1, [&](Index task, Index) {
    Scratch f(s);
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
  const Strips strips(a.sizes);
  const bool rows = to.dq.data || to.dk.data || to.dv.data;
  if (strips.count > 1 || !rows) back.prepare();
  if (rows) {
    parallel::for_range(a.sizes.batch * a.sizes.key_heads * strips.count, 1,
                        [&](Index begin, Index end) {
                          Scratch scratch(a.sizes);
                          if (strips.count == 1)
                            scratch.part = Buffer(bytes_of(strips.rows * strips.width));
                          for (Index task = begin; task < end; ++task)
                            visit_strip(back, strips, to, task, scratch);
                        });
    if (strips.count > 1 && to.dq.data) gather_queries(a, strips, to);
  }
  if (to.dbias) bias_slopes(back, to);
}

}}}  // namespace fovea::kernels
