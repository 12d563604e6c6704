#include "kernels/additive_attention_back.hpp"

#include "kernels/gemm.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

constexpr auto bytes_of_real = static_cast<Index>(sizeof(real));

}  // namespace

Queries::Queries(const AdditiveInputs& in, const AdditiveAdjoints& d)
    : in_(in), d_(d), blocks_(pieces_of(in.sizes.queries, tile_size)) {
  const HeadSizes& s = in.sizes;
  const Index rows = s.batch * s.heads * s.queries;
  buffer_ = Buffer(rows * (padded(s.width) + 1) * bytes_of_real + rows * 2);
  a_ = buffer_.as<real>();
  means_ = a_ + rows * padded(s.width);
  beyond_ = reinterpret_cast<std::uint8_t*>(means_ + rows);
  spoiled_ = beyond_ + rows;
  parallel::for_range(s.batch * s.heads * blocks_,
                      parallel::grain(tile_size * (2 * s.width + s.value_width)),
                      [&](Index first, Index last) {
                        for (Index i = first; i < last; ++i) make(i);
                      });
}

QueryTile Queries::tile(Index sample, Index head, Index block) const {
  const Index first = block * tile_size, count = std::min(tile_size, in_.sizes.queries - first);
  const std::uint8_t* const beyond = beyond_ + row(sample, head, first);
  const bool any = std::any_of(beyond, beyond + count, [](std::uint8_t byte) { return byte != 0; });
  return {sample, head, first, count, a_ + row(sample, head, first) * padded(in_.sizes.width),
          beyond, any};
}

void Queries::make(Index number) {
  const HeadSizes& s = in_.sizes;
  const Index head = number / blocks_ % s.heads, sample = number / blocks_ / s.heads;
  const Index first = number % blocks_ * tile_size, last = std::min(s.queries, first + tile_size);
  query_tile(in_, sample, head, {first, last}, a_ + row(sample, head, first) * padded(s.width),
             beyond_ + row(sample, head, first));
  for (Index i = first; i < last; ++i) {
    const Index at = row(sample, head, i);
    means_[at] = 0;
    spoiled_[at] = 0;
    if (d_.dcontext.data) {
      const real* const given = d_.dcontext.at(sample, head, i);
      means_[at] = dot(given, d_.context.at(sample, head, i), s.value_width);
      spoiled_[at] = !all_finite(given, s.value_width);
    }
    if (d_.dweights) means_[at] += given_to_weights(at);
  }
}

// The gradient of a weight of 0 has no part in it, not even as NaN.
real Queries::given_to_weights(Index row) const {
  const real* const weights = d_.weights + row * in_.sizes.time;
  const real* const given = d_.dweights + row * in_.sizes.time;
  real sum = 0;
  for (Index j = 0; j < in_.sizes.time; ++j)
    if (weights[j] != 0) sum += weights[j] * given[j];
  return sum;
}

TileSlopes::TileSlopes(const AdditiveInputs& in, const AdditiveAdjoints& d, const Queries& queries)
    : in_(in),
      d_(d),
      queries_(queries),
      tile_(in),
      buffer_((2 * tile_size + 1) * tile_size * bytes_of_real),
      slopes_(buffer_.as<real>()),
      used_(slopes_ + tile_size * tile_size),
      dweights_(used_ + tile_size * tile_size) {}

bool TileSlopes::compute(const QueryTile& q, const KeyTile& key) {
  if (!tile_.compute(q, key)) return false;
  const Index width = in_.sizes.value_width, columns = key.columns();
  if (d_.dcontext.data && width > 0)
    gemm(
        View{
            d_.dcontext.at(q.sample, q.head, q.first), Shape{q.count, width}, {d_.dcontext.row, 1}},
        View{key.values_transposed(), Shape{width, columns}, {columns, 1}},
        MutableView{slopes_, Shape{q.count, columns}, {columns, 1}}, false);
  else
    std::fill_n(slopes_, q.count * columns, real(0));
  const real* const drops = tile_.drops(q, key);
  for (Index i = 0; i < q.count; ++i) softmax_row(q, key, i, drops ? drops + i * columns : nullptr);
  return true;
}

void TileSlopes::through_cap(const QueryTile& q, const KeyTile& key) {
  if (in_.soft_cap > 0) cap_slopes(tile_.capped(), q.count * key.columns(), in_.soft_cap, slopes_);
}

void TileSlopes::softmax_row(const QueryTile& q, const KeyTile& key, Index i, const real* drops) {
  const HeadSizes& s = in_.sizes;
  const Index row = (q.sample * s.heads + q.head) * s.queries + q.first + i;
  const Index at = i * key.columns();
  if (d_.dweights) {
    for (Index j = 0; j < key.count(); ++j)
      dweights_[j] = d_.dweights[row * s.time + key.positions()[j]];
    std::fill(dweights_ + key.count(), dweights_ + key.columns(), real(0));
  }
  softmax_row_slopes({key.columns(), d_.softmax.largest[row], d_.softmax.inverse[row],
                      queries_.mean(q, i), tile_.scores() + at, drops,
                      d_.dweights ? dweights_ : nullptr, used_ + at, slopes_ + at});
}

}}}  // namespace fovea::kernels
