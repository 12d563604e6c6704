#include "kernels/dot_attention.hpp"

#include <limits>
#include <utility>

#include "kernels/dot_attention_parts.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

using tile::lead, tile::positions;

// Neighbouring tiles of queries of one sample and head, which share the blocks of keys and values
// that a task reads.
struct Group {
  Index sample, head, first, last;

  Index tiles() const { return tile::pieces(last - first, tile::queries); }
  tile::DotTile tile(Index i) const {
    const Index query = first + i * tile::queries;
    return {sample, head, query, std::min(tile::queries, last - query), 0, 0, Looked::none};
  }
};

constexpr Index most_tiles = 8;  // of a group

// Scratch of one task: a tile of scores and what goes with it, a block of keys and one of values,
// and what is known of the rows of a group.
struct Forward {
  explicit Forward(const HeadSizes& sizes)
      : key_lead(lead(sizes.width)),
        value_lead(lead(sizes.value_width)),
        buffer((3 * tile::queries * positions + positions * (key_lead + sizes.width + value_lead) +
                most_tiles * tile::queries * (value_lead + 2)) *
               static_cast<Index>(sizeof(real))),
        s(buffer.as<real>()),
        t(s + tile::queries * positions),
        factor(t + tile::queries * positions),
        keys{factor + tile::queries * positions, factor + (tile::queries + key_lead) * positions,
             true},
        values{keys.transposed + positions * sizes.width, nullptr, true},
        sums(values.rows + positions * value_lead),
        largest(sums + most_tiles * tile::queries * value_lead),
        sum(largest + most_tiles * tile::queries) {}

  tile::Running running(Index i, bool with_values) const {
    return {largest + i * tile::queries, sum + i * tile::queries,
            sums + i * tile::queries * value_lead, with_values ? value_lead : 0};
  }

  Index key_lead, value_lead;
  Buffer buffer;
  real *s, *t, *factor;
  tile::Block keys, values;
  real *sums, *largest, *sum;
};

// The scores of a group, tile by tile: calls f(number of the tile, tile) where they are in `s`.
// Reads the values as well on request.
template <class F>
void for_scores(const DotAttention& a, const Group& group, bool values, Forward& scratch,
                const F& f) {
  const Index h = group.head / a.sizes.shared();
  const Span seen = a.pattern.positions_of({group.first, group.last});
  for (Index block = seen.begin / positions; block * positions < seen.end; ++block) {
    const Index first = block * positions, n = std::min(positions, a.sizes.time - first);
    bool is_read = false;
    for (Index i = 0; i < group.tiles(); ++i) {
      const tile::DotTile at = tile::tile_at(a, group.tile(i), block);
      if (at.looked == Looked::none) continue;
      if (!std::exchange(is_read, true)) {
        scratch.keys.read({a.k.at(group.sample, h, first), a.k.row, n, a.sizes.width},
                          tile::key_factor(a), false);
        if (values)
          scratch.values.read({a.v.at(group.sample, h, first), a.v.row, n, a.sizes.value_width}, 1,
                              true);
      }
      // What is not finite in a row of q reaches the scores of that row alone.
      const tile::QueryRows q{a.q.at(at.sample, at.head, at.query), a.q.row, true};
      tile::score(a, at, q, scratch.keys, scratch.s, scratch.t);
      f(i, at);
    }
  }
}

// sums += s v for one tile.
void add_values(const DotAttention& a, const tile::DotTile& at, const Forward& f, real* sums) {
  const Index width = a.sizes.value_width;
  if (a.dropout > 0) {
    tile::keep_factors(a, at, f.factor);
    tile::multiply_each({f.s, at.queries, tile::columns(at)}, f.factor);
  }
  tile::multiply({f.s, positions, false, f.values.rows, f.value_lead, sums, f.value_lead,
                  at.queries, f.value_lead, at.positions, true});
  if (!f.values.finite)
    tile::add_infinite(
        a, at, f.s,
        {a.v.at(at.sample, at.head / a.sizes.shared(), at.position), a.v.row, width, false},
        {sums, f.value_lead, 1});
}

// Calls f(group, scratch) for [first, last) of the queries of all samples and heads, in tasks that
// depend on the shapes alone.
template <class F>
void for_groups(const DotAttention& a, Index first, Index last, const F& f) {
  constexpr Index tasks = 32;  // enough for as many threads
  const Index heads = a.sizes.heads, rows = std::max<Index>(1, a.sizes.batch * heads);
  const Index tiles = tile::pieces(last - first, tile::queries);
  const Index size =
      tile::queries * std::clamp<Index>(tiles / tile::pieces(tasks, rows), 1, most_tiles);
  const Index groups = tile::pieces(last - first, size);
  parallel::for_range(a.sizes.batch * heads * groups, 1, [&](Index begin, Index end) {
    Forward scratch(a.sizes);
    for (Index i = begin; i < end; ++i) {
      const Index query = first + i % groups * size;
      f(Group{i / groups / heads, i / groups % heads, query, std::min(query + size, last)},
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
  const bool values = context.data != nullptr;
  for_groups(a, first, last, [&](const Group& group, Forward& f) {
    const Index rows = group.last - group.first;
    std::fill_n(f.sums, values ? rows * f.value_lead : 0, real(0));
    std::fill_n(f.largest, rows, -std::numeric_limits<real>::infinity());
    std::fill_n(f.sum, rows, real(0));
    for_scores(a, group, values, f, [&](Index i, const tile::DotTile& at) {
      const tile::Running running = f.running(i, values);
      tile::go_on({f.s, at.queries, tile::columns(at)}, running);
      if (values) add_values(a, at, f, running.values);
    });
    real* const to = norm + (group.sample * s.heads + group.head) * s.queries + group.first;
    for (Index i = 0; i < rows; ++i) {
      to[i] = norm_of(f.largest[i], f.sum[i]);
      if (values && f.sum[i] == 0) std::fill_n(f.sums + i * f.value_lead, f.value_lead, real(0));
      f.sum[i] = f.sum[i] == 0 ? real(0) : 1 / f.sum[i];
    }
    if (values)
      tile::put({f.sums, f.value_lead, rows, s.value_width}, {f.sum, 1},
                context.at(group.sample, group.head, group.first), context.row, false);
  });
}

void dot_attention_weights(const DotAttention& a, const real* norm, Index first, Index last,
                           real* weights) {
  const HeadSizes& s = a.sizes;
  for_groups(a, first, last, [&](const Group& group, Forward& f) {
    const Index row = group.sample * s.heads + group.head;
    const auto to = [&](Index query) {
      return weights + (row * (last - first) + query - first) * s.time;
    };
    std::fill_n(to(group.first), (group.last - group.first) * s.time, real(0));
    for_scores(a, group, false, f, [&](Index, const tile::DotTile& at) {
      tile::weigh({f.s, at.queries, tile::columns(at)}, norm + row * s.queries + at.query);
      for (Index i = 0; i < at.queries; ++i)
        std::copy_n(f.s + i * positions, at.positions, to(at.query + i) + at.position);
    });
  });
}

}}}  // namespace fovea::kernels
