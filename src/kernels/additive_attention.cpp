#include "kernels/additive_attention.hpp"

#include <cmath>
#include <limits>

#include "kernels/additive_attention_parts.hpp"
#include "kernels/gemm.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

constexpr real nowhere = -std::numeric_limits<real>::infinity();

// One block of queries on its way through the tiles of positions.
class Forward {
 public:
  Forward(const AdditiveInputs& in, const AdditiveResults& out, const KeptPositions& kept)
      : in_(in),
        out_(out),
        kept_(kept),
        key_(in, kept, has_values() ? KeyTile::Copies::values : KeyTile::Copies::none),
        tile_(in),
        buffer_(tile_size * static_cast<Index>(sizeof(real)) *
                (padded(in.sizes.width) + padded(in.sizes.value_width))),
        a_(buffer_.as<real>()),
        sums_(a_ + tile_size * padded(in.sizes.width)) {}

  void run(Index sample, Index head, Span queries) {
    const QueryTile q = query_tile(in_, sample, head, queries, a_, beyond_);
    begin(q);
    for (Index number = 0; number < kept_.tiles(sample); ++number) {
      key_.fill(sample, head / in_.sizes.shared(), number);
      if (tile_.compute(q, key_)) add_tile(q);
    }
    finish(q);
  }

 private:
  bool has_values() const { return out_.context.data && in_.sizes.value_width > 0; }

  // The row of the weights of query i of the block.
  real* weights(const QueryTile& q, Index i) const {
    const HeadSizes& s = in_.sizes;
    const Index rows = out_.queries.end - out_.queries.begin;
    return out_.weights +
           ((q.sample * s.heads + q.head) * rows + q.first + i - out_.queries.begin) * s.time;
  }

  void begin(const QueryTile& q) {
    std::fill_n(largest_, tile_size, nowhere);
    std::fill_n(total_, tile_size, real(0));
    std::fill_n(sums_, q.count * padded(in_.sizes.value_width), real(0));
    for (Index i = 0; out_.weights && i < q.count; ++i)
      std::fill_n(weights(q, i), in_.sizes.time, nowhere);
  }

  void add_tile(const QueryTile& q) {
    for (Index i = 0; out_.weights && i < q.count; ++i) {
      real* const row = weights(q, i);
      for (Index j = 0; j < key_.count(); ++j)
        row[key_.positions()[j]] = tile_.scores()[i * key_.columns() + j];
    }
    add_to_softmax(q.count, key_.columns(), tile_.scores(), {largest_, total_, factor_});
    if (!has_values()) return;
    if (const real* const drops = tile_.drops(q, key_))
      for (Index at = 0; at < q.count * key_.columns(); ++at) tile_.scores()[at] *= drops[at];
    add_values(q);
  }

  // sums = factor sums + weights values
  void add_values(const QueryTile& q) {
    const Index lead = padded(in_.sizes.value_width);
    for (Index i = 0; i < q.count; ++i)
      if (factor_[i] != 1) scale_row(sums_ + i * lead, factor_[i], lead, sums_ + i * lead, false);
    gemm(View{tile_.scores(), Shape{q.count, key_.count()}, {key_.columns(), 1}},
         View{key_.values(), Shape{key_.count(), lead}, {lead, 1}},
         MutableView{sums_, Shape{q.count, lead}, {lead, 1}}, true);
    for (Index j = 0; key_.any_spoiled() && j < key_.count(); ++j)
      if (key_.spoiled(j)) add_spoiled(q, j);
  }

  // What the product left out: the numbers of value j that are not finite.
  void add_spoiled(const QueryTile& q, Index j) {
    const Index width = in_.sizes.value_width;
    for (Index i = 0; i < q.count; ++i) {
      const Index at = i * key_.columns() + j;
      if (!tile_.keeps(at)) continue;
      for (Index c = 0; c < width; ++c)
        if (const real value = key_.value(j)[c]; !std::isfinite(value))
          sums_[i * padded(width) + c] += tile_.scores()[at] * value;
    }
  }

  void finish(const QueryTile& q) {
    const HeadSizes& s = in_.sizes;
    for (Index i = 0; i < q.count; ++i) {
      const real inverse = total_[i] == 0 ? real(0) : 1 / total_[i];
      if (out_.softmax.largest) {
        const Index row = (q.sample * s.heads + q.head) * s.queries + q.first + i;
        out_.softmax.largest[row] = largest_[i];
        out_.softmax.inverse[row] = inverse;
      }
      if (has_values())
        scale_row(sums_ + i * padded(s.value_width), inverse, s.value_width,
                  out_.context.at(q.sample, q.head, q.first + i), false);
      if (out_.weights) weights_of(weights(q, i), s.time, largest_[i], inverse, weights(q, i));
    }
  }

  const AdditiveInputs& in_;
  const AdditiveResults& out_;
  const KeptPositions& kept_;
  KeyTile key_;
  TileScores tile_;
  Buffer buffer_;
  real *a_, *sums_;
  std::uint8_t beyond_[tile_size];
  real largest_[tile_size], total_[tile_size], factor_[tile_size];
};

}  // namespace

void additive_attention(const AdditiveInputs& inputs, const AdditiveResults& out) {
  const HeadSizes& s = inputs.sizes;
  const KeptPositions kept(inputs.pattern.keep, s.batch, s.time);
  const AdditiveInputs in = without_keep(inputs);
  const Index count = out.queries.end - out.queries.begin, blocks = pieces_of(count, tile_size);
  const Index cost = std::min(count, tile_size) * s.time * (s.width + s.value_width / 8 + 1);
  parallel::for_range(s.batch * s.heads * blocks, parallel::grain(cost),
                      [&](Index first, Index last) {
                        Forward forward(in, out, kept);
                        for (Index i = first; i < last; ++i) {
                          const Index begin = out.queries.begin + i % blocks * tile_size;
                          forward.run(i / blocks / s.heads, i / blocks % s.heads,
                                      {begin, std::min(out.queries.end, begin + tile_size)});
                        }
                      });
}

}}}  // namespace fovea::kernels
