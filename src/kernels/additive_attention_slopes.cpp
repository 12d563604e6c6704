#include <algorithm>
#include <cmath>

#include "kernels/additive_attention_back.hpp"
#include "kernels/gemm.hpp"
#include "kernels/pairwise.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

constexpr auto bytes_of_real = static_cast<Index>(sizeof(real));

// How the positions of a sample are shared out: stripes of tiles, enough for many threads where
// there are few samples and heads, and no more, since each has a share of the gradients of q.
struct Stripes {
  Index count;
  const KeptPositions& kept;

  Stripes(const HeadSizes& s, const KeptPositions& positions) : kept(positions) {
    constexpr Index tasks = 32, most = 16;
    const Index wanted = std::min(most, pieces_of(tasks, s.batch * s.key_heads));
    count = std::max<Index>(1, std::min(wanted, kept.most_tiles()));
  }
  Span tiles(Index sample, Index stripe) const {
    return {kept.tiles(sample) * stripe / count, kept.tiles(sample) * (stripe + 1) / count};
  }
};

// Sums of what q and v are given, of one stripe each: (stripes, batch, heads, queries, width) and
// (batch, key heads, stripes, width + 1). Behind the width stands the sum of the slopes.
struct Shares {
  Shares(const HeadSizes& sizes, Index stripes)
      : s(sizes),
        lead(padded(s.width)),
        of_stripe(s.batch * s.heads * s.queries * lead),
        tasks(s.batch * s.key_heads * stripes),
        buffer((stripes * of_stripe + tasks * (lead + 1)) * bytes_of_real),
        q(buffer.as<real>()),
        v(q + stripes * of_stripe) {}

  real* q_of(Index stripe, Index sample, Index head) const {
    return q + stripe * of_stripe + (sample * s.heads + head) * s.queries * lead;
  }

  const HeadSizes& s;
  Index lead, of_stripe, tasks;
  Buffer buffer;
  real *q, *v;
};

// One stripe of positions on its way through the blocks of queries.
class Backward {
 public:
  Backward(const AdditiveInputs& in, const AdditiveAdjoints& d, const AdditiveGradients& g,
           const KeptPositions& kept, const Queries& queries)
      : in_(in),
        d_(d),
        g_(g),
        queries_(queries),
        key_(in, kept, KeyTile::Copies::transposed),
        slopes_(in, d, queries),
        buffer_(tile_size * (padded(in.sizes.width) + 2 * in.sizes.value_width) * bytes_of_real),
        k_sums_(buffer_.as<real>()),
        value_sums_(k_sums_ + tile_size * padded(in.sizes.width)),
        finite_(value_sums_ + tile_size * in.sizes.value_width) {}

  void run(Index sample, Index key_head, Index stripe, Span tiles, const Shares& shares,
           real* v_sums) {
    const HeadSizes& s = in_.sizes;
    const Index first = key_head * s.shared(), last = first + s.shared();
    v_sums_ = v_sums;
    std::fill_n(v_sums, shares.lead + 1, real(0));
    for (Index head = first; head < last; ++head)
      std::fill_n(shares.q_of(stripe, sample, head), s.queries * shares.lead, real(0));
    for (Index number = tiles.begin; number < tiles.end; ++number) {
      key_.fill(sample, key_head, number);
      std::fill_n(k_sums_, key_.count() * shares.lead, real(0));
      std::fill_n(value_sums_, key_.count() * s.value_width, real(0));
      for (Index head = first; head < last; ++head)
        for (Index block = 0; block < queries_.blocks(); ++block)
          visit(queries_.tile(sample, head, block),
                shares.q_of(stripe, sample, head) + block * tile_size * shares.lead);
      write(sample, key_head);
    }
  }

 private:
  void visit(const QueryTile& q, real* q_sums) {
    if (!slopes_.compute(q, key_)) return;
    if (g_.values.data && d_.dcontext.data && in_.sizes.value_width > 0) add_values(q);
    if (!g_.q.data && !g_.k.data && !g_.v) return;
    slopes_.through_cap(q, key_);
    const std::uint8_t* const plain = plain_pairs(q);
    const Index columns = key_.columns(), width = in_.sizes.width;
    for (Index i = 0; i < q.count; ++i)
      v_sums_[padded(width)] += dot(slopes_.slopes() + i * columns, nullptr, key_.count());
    additive_slopes(SlopeTile{q.count, key_.count(), width, q.a, key_.b(), slopes_.slopes(), plain,
                              q_sums, k_sums_, v_sums_});
    slopes_.scores().for_each_beyond(q, key_, [&](Index i, Index j) {
      additive_slopes(SlopePair{width, in_.q.at(q.sample, q.head, q.first + i), key_.key(j),
                                slopes_.slopes()[i * columns + j], q_sums + i * padded(width),
                                k_sums_ + j * padded(width), v_sums_});
    });
  }

  // The pairs that the exponential form serves; null: all.
  const std::uint8_t* plain_pairs(const QueryTile& q) {
    if (!q.any_beyond && !key_.any_beyond()) return slopes_.scores().keep();
    for (Index i = 0; i < q.count; ++i)
      for (Index j = 0; j < key_.count(); ++j) {
        const Index at = i * key_.columns() + j;
        plain_[at] = slopes_.scores().keeps(at) && !q.beyond[i] && !key_.beyond(j);
      }
    return plain_;
  }

  // value_sums += weights^T dcontext
  void add_values(const QueryTile& q) {
    const Index width = in_.sizes.value_width, columns = key_.columns();
    const real* given = d_.dcontext.at(q.sample, q.head, q.first);
    Index lead = d_.dcontext.row;
    bool spoiled = false;
    for (Index i = 0; i < q.count; ++i) spoiled |= queries_.spoiled(q, i);
    if (spoiled) {
      for (Index i = 0; i < q.count; ++i)
        for (Index c = 0; c < width; ++c) {
          const real number = given[i * lead + c];
          finite_[i * width + c] = std::isfinite(number) ? number : real(0);
        }
      given = finite_;
      lead = width;
    }
    gemm(View{slopes_.used(), Shape{key_.count(), q.count}, {1, columns}},
         View{given, Shape{q.count, width}, {lead, 1}},
         MutableView{value_sums_, Shape{key_.count(), width}, {width, 1}}, true);
    for (Index i = 0; spoiled && i < q.count; ++i)
      if (queries_.spoiled(q, i)) add_spoiled(q, i);
  }

  // What the product left out: the numbers of the gradient of context i that are not finite.
  void add_spoiled(const QueryTile& q, Index i) {
    const Index width = in_.sizes.value_width;
    const real* const given = d_.dcontext.at(q.sample, q.head, q.first + i);
    for (Index j = 0; j < key_.count(); ++j) {
      const Index at = i * key_.columns() + j;
      if (!slopes_.scores().keeps(at)) continue;
      for (Index c = 0; c < width; ++c)
        if (!std::isfinite(given[c])) value_sums_[j * width + c] += slopes_.used()[at] * given[c];
    }
  }

  void write(Index sample, Index key_head) const {
    const HeadSizes& s = in_.sizes;
    for (Index j = 0; j < key_.count(); ++j) {
      const Index position = key_.positions()[j];
      if (g_.k.data)
        times_4v(k_sums_ + j * padded(s.width), in_.v, s.width, g_.k.at(sample, key_head, position),
                 g_.add_k);
      if (g_.values.data)
        scale_row(value_sums_ + j * s.value_width, 1, s.value_width,
                  g_.values.at(sample, key_head, position), g_.add_values);
    }
  }

  const AdditiveInputs& in_;
  const AdditiveAdjoints& d_;
  const AdditiveGradients& g_;
  const Queries& queries_;
  KeyTile key_;
  TileSlopes slopes_;
  Buffer buffer_;
  real *k_sums_, *value_sums_, *finite_, *v_sums_ = nullptr;
  std::uint8_t plain_[tile_size * tile_size];
};

// Sets rows of positions that are not kept to 0, unless there is something to add to.
void clear_dropped(const HeadSizes& s, const std::uint8_t* keep, const MutableRows& rows, bool add,
                   Index width) {
  if (!rows.data || add || !keep) return;
  for (Index sample = 0; sample < s.batch; ++sample)
    for (Index t = 0; t < s.time; ++t)
      for (Index head = 0; !keep[sample * s.time + t] && head < s.key_heads; ++head)
        std::fill_n(rows.at(sample, head, t), width, real(0));
}

// dq = 4 v times the shares of all stripes.
void write_q(const AdditiveInputs& in, const AdditiveGradients& g, const Shares& shares,
             Index stripes) {
  const HeadSizes& s = in.sizes;
  parallel::for_range(
      s.batch * s.heads * s.queries, parallel::grain(s.width * stripes),
      [&](Index first, Index last) {
        for (Index row = first; row < last; ++row) {
          real* const sums = shares.q + row * shares.lead;
          add_pairwise(stripes, [&](Index i, Index k) {
            scale_row(sums + k * shares.of_stripe, 1, s.width, sums + i * shares.of_stripe, true);
          });
          const Index head = row / s.queries;
          times_4v(sums, in.v, s.width, g.q.at(head / s.heads, head % s.heads, row % s.queries),
                   g.add_q);
        }
      });
}

// dv = sum of the slopes - 2 v_sums, over the shares of all tasks.
void write_v(const HeadSizes& s, const Shares& shares, real* dv) {
  const Index step = shares.lead + 1;
  add_pairwise(shares.tasks, [&](Index i, Index k) {
    scale_row(shares.v + k * step, 1, step, shares.v + i * step, true);
  });
  for (Index u = 0; u < s.width; ++u) dv[u] = shares.v[shares.lead] - 2 * shares.v[u];
}

}  // namespace

void additive_attention_slopes(const AdditiveInputs& inputs, const AdditiveAdjoints& d,
                               const AdditiveGradients& g) {
  const HeadSizes& s = inputs.sizes;
  if (s.batch * s.key_heads == 0) {
    if (g.v) std::fill_n(g.v, s.width, real(0));
    return;
  }
  const KeptPositions kept(inputs.pattern.keep, s.batch, s.time);
  const AdditiveInputs in = without_keep(inputs);
  clear_dropped(s, inputs.pattern.keep, g.k, g.add_k, s.width);
  clear_dropped(s, inputs.pattern.keep, g.values, g.add_values, s.value_width);
  const Queries queries(in, d);
  const Stripes stripes(s, kept);
  const Shares shares(s, stripes.count);
  const Index cost = s.queries * s.time / stripes.count * s.shared() * 2 * (s.width + 1);
  parallel::for_range(shares.tasks, parallel::grain(cost), [&](Index first, Index last) {
    Backward backward(in, d, g, kept, queries);
    for (Index i = first; i < last; ++i) {
      const Index stripe = i % stripes.count, head = i / stripes.count % s.key_heads,
                  sample = i / stripes.count / s.key_heads;
      backward.run(sample, head, stripe, stripes.tiles(sample, stripe), shares,
                   shares.v + i * (shares.lead + 1));
    }
  });
  if (g.q.data) write_q(in, g, shares, stripes.count);
  if (g.v) write_v(s, shares, g.v);
}

}}}  // namespace fovea::kernels
