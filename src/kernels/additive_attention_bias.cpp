#include "kernels/additive_attention_back.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// The gradients of scores, added to the places of the bias that they belong to. Along an axis that
// repeats, one task adds all of them, in order.
class BiasSlopes {
 public:
  BiasSlopes(const AdditiveInputs& in, const AdditiveAdjoints& d, const KeptPositions& kept,
             const Queries& queries, real* dbias)
      : in_(in),
        kept_(kept),
        queries_(queries),
        dbias_{dbias, in.bias.strides},
        key_(in, kept, KeyTile::Copies::transposed),
        slopes_(in, d, queries) {}

  void run(Span samples, Span heads, Span blocks) {
    for (Index sample = samples.begin; sample < samples.end; ++sample)
      for (Index head = heads.begin; head < heads.end; ++head)
        for (Index number = 0; number < kept_.tiles(sample); ++number) {
          key_.fill(sample, head / in_.sizes.shared(), number);
          for (Index block = blocks.begin; block < blocks.end; ++block)
            add(queries_.tile(sample, head, block));
        }
  }

 private:
  void add(const QueryTile& q) {
    if (!slopes_.compute(q, key_)) return;
    for (Index i = 0; i < q.count; ++i) {
      real* const row = dbias_.at(q.sample, q.head, q.first + i);
      for (Index j = 0; j < key_.count(); ++j)
        row[key_.positions()[j] * dbias_.strides[3]] += slopes_.slopes()[i * key_.columns() + j];
    }
  }

  const AdditiveInputs& in_;
  const KeptPositions& kept_;
  const Queries& queries_;
  ScoresOf<real> dbias_;
  KeyTile key_;
  TileSlopes slopes_;
};

}  // namespace

void additive_attention_bias_slopes(const AdditiveInputs& inputs, const AdditiveAdjoints& d,
                                    real* dbias) {
  const HeadSizes& s = inputs.sizes;
  const KeptPositions kept(inputs.pattern.keep, s.batch, s.time);
  const AdditiveInputs in = without_keep(inputs);
  const Queries queries(in, d);
  const auto& strides = in.bias.strides;
  const Index samples = strides[0] == 0 ? 1 : s.batch, heads = strides[1] == 0 ? 1 : s.heads,
              blocks = strides[2] == 0 ? 1 : queries.blocks();
  const auto part = [](Index i, Index parts, Index all) {
    return parts == 1 ? Span{0, all} : Span{i, i + 1};
  };
  const Index scores = s.batch * s.heads * s.queries * s.time;
  parallel::for_range(
      samples * heads * blocks,
      parallel::grain(scores / std::max<Index>(1, samples * heads * blocks) * (s.width + 1)),
      [&](Index first, Index last) {
        BiasSlopes slopes(in, d, kept, queries, dbias);
        for (Index i = first; i < last; ++i)
          slopes.run(part(i / blocks / heads, samples, s.batch),
                     part(i / blocks % heads, heads, s.heads),
                     part(i % blocks, blocks, queries.blocks()));
      });
}

}}}  // namespace fovea::kernels
