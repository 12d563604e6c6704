#ifndef FOVEA_KERNELS_ADDITIVE_POOL_SAMPLE
#define FOVEA_KERNELS_ADDITIVE_POOL_SAMPLE
#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// The scores of one sample, on the way back: from the gradients of the scores to those of what is
/// before them.
struct ScoresOfSample {
  Index time, units;
  const real *de, *v, *h, *weight;
  real* dz;
  Index dz_step;
  real *db, *dv;
};

}}}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/additive_pool.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// h = tanh(h + b) and e_t = h_t . v, for the `time` rows of one sample.
void scores(Index time, Index units, const real* b, const real* v, real* h, real* e) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index t = 0; t < time; ++t) {
    real* const row = h + t * units;
    Lane dot = hn::Zero(Tag());
    for (Index u = 0; u < units; u += width) {
      const Index n = std::min(width, units - u);
      const Lane z = load(row + u, n);
      const Lane y = tanh(b ? z + load(b + u, n) : z);
      store(y, row + u, n);
      dot = hn::MulAdd(y, load(v + u, n), dot);
    }
    e[t] = sum(dot);
  }
}

/// context = sum_t weight_t x_t.
void pool(Index time, Index features, const real* x, const real* weight, real* context) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index f = 0; f < features; f += width) {
    const Index n = std::min(width, features - f);
    Lane even = hn::Zero(Tag()), odd = even;
    Index t = 0;
    for (; t + 1 < time; t += 2) {
      even = hn::MulAdd(hn::Set(Tag(), weight[t]), load(x + t * features + f, n), even);
      odd = hn::MulAdd(hn::Set(Tag(), weight[t + 1]), load(x + (t + 1) * features + f, n), odd);
    }
    if (t < time) even = hn::MulAdd(hn::Set(Tag(), weight[t]), load(x + t * features + f, n), even);
    store(even + odd, context + f, n);
  }
}

/// dweight_t += x_t . dcontext.
void pool_slopes(Index time, Index features, const real* x, const real* dcontext, real* dweight) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index t = 0; t < time; ++t) {
    Lane even = hn::Zero(Tag()), odd = even;
    const real* const row = x + t * features;
    Index f = 0;
    for (; f + 2 * width <= features; f += 2 * width) {
      even = hn::MulAdd(hn::LoadU(Tag(), row + f), hn::LoadU(Tag(), dcontext + f), even);
      odd = hn::MulAdd(hn::LoadU(Tag(), row + f + width), hn::LoadU(Tag(), dcontext + f + width),
                       odd);
    }
    for (; f < features; f += width) {
      const Index n = std::min(width, features - f);
      even = hn::MulAdd(load(row + f, n), load(dcontext + f, n), even);
    }
    dweight[t] += sum(even + odd);
  }
}

/// Row t of dz, `dz_step` numbers from the next, becomes dz_t = de_t v (1 - h_t^2), and weight_t
/// behind it; db += sum_t dz_t and dv += sum_t de_t h_t.
void scores_slopes(const ScoresOfSample& s) {
  const auto [time, units, de, v, h, weight, dz, step, db, dv] = s;
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index u = 0; u < units; u += width) {
    const Index n = std::min(width, units - u);
    const Lane scale = load(v + u, n);
    Lane sum_z = hn::Zero(Tag()), sum_h = sum_z;
    for (Index t = 0; t < time; ++t) {
      const Lane y = load(h + t * units + u, n), d = hn::Set(Tag(), de[t]);
      const Lane z = d * scale * hn::NegMulAdd(y, y, lanes(1));
      store(z, dz + t * step + u, n);
      sum_z = sum_z + z;
      sum_h = hn::MulAdd(d, y, sum_h);
    }
    store(load(db + u, n) + sum_z, db + u, n);
    store(load(dv + u, n) + sum_h, dv + u, n);
  }
  for (Index t = 0; t < time; ++t) dz[t * step + units] = weight[t];
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "fovea/memory/buffer.hpp"
#include "kernels/additive_pool.hpp"
#include "kernels/gemm.hpp"
#include "kernels/keep.hpp"
#include "kernels/softmax.hpp"
#include "kernels/transpose.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Samples whose gradients of W, b and v are added up one after another; the sums of such pieces are
// added pairwise.
constexpr Index samples_a_piece = 4;

View dense(const real* data, Index rows, Index columns) {
  return {data, Shape{rows, columns}, {columns, 1}};
}
MutableView dense(real* data, Index rows, Index columns) {
  return {data, Shape{rows, columns}, {columns, 1}};
}

// The kept positions of one sample. Masked ones are left out before anything is computed, so they
// cost nothing and a NaN in them reaches nothing; where the kept ones do not lie together at the
// front (as before padding), rows are copied together.
class Kept {
 public:
  Kept(const std::uint8_t* keep, Index time)
      : keep_(keep), time_(time), count_(keep ? time - std::count(keep, keep + time, 0) : time) {}

  Index count() const { return count_; }
  bool at_front() const { return !keep_ || std::find(keep_, keep_ + count_, 0) == keep_ + count_; }

  // The kept rows of x, one after another: x itself, or copied to `scratch`.
  const real* rows(const real* x, Index width, real* scratch) const {
    if (at_front()) return x;
    real* to = scratch;
    for (Index t = 0; t < time_; ++t)
      if (keep_[t]) to = std::copy_n(x + t * width, width, to);
    return scratch;
  }

  // to (time rows) (+)= the kept rows `from`, and zeros elsewhere.
  void put_back(const real* from, Index width, real* to, bool add) const {
    for (Index t = 0; t < time_; ++t) {
      real* const row = to + t * width;
      if (keep_ && !keep_[t]) {
        if (!add) std::fill_n(row, width, real(0));
        continue;
      }
      for (Index i = 0; i < width; ++i) row[i] = add ? row[i] + from[i] : from[i];
      from += width;
    }
  }

 private:
  const std::uint8_t* keep_;
  Index time_, count_;
};

// Scratch for one sample, and the slices of it. Rows of dz begin at multiples of 64 bytes and have
// room for one number more.
struct Scratch {
  explicit Scratch(PoolSizes s)
      : dz_step((s.units + line) / line * line),
        buffer((s.time * (2 * s.features + dz_step + 2) + (s.units + 1) * s.features) *
               static_cast<Index>(sizeof(real))),
        dz(buffer.as<real>()),
        x(dz + s.time * dz_step),
        dx(x + s.time * s.features),
        transposed_w(dx + s.time * s.features),
        weights(transposed_w + (s.units + 1) * s.features),
        de(weights + s.time) {}
  static constexpr Index line = 64 / sizeof(real);
  Index dz_step;
  Buffer buffer;
  real *dz, *x, *dx, *transposed_w, *weights, *de;
};

// What belongs to one sample of a batch.
PoolInputs sample(PoolSizes s, const PoolInputs& in, Index i) {
  return {in.x + i * s.time * s.features, in.w, in.b, in.v, keep_from(in.keep, i * s.time)};
}
PoolResults sample(PoolSizes s, const PoolResults& out, Index i) {
  return {out.hidden + i * s.time * s.units, out.context + i * s.features,
          out.weights ? out.weights + i * s.time : nullptr};
}
PoolAdjoints sample(PoolSizes s, const PoolAdjoints& d, Index i) {
  return {d.hidden + i * s.time * s.units, d.weights + i * s.time,
          d.dcontext ? d.dcontext + i * s.features : nullptr,
          d.dweights ? d.dweights + i * s.time : nullptr};
}

void pool_sample(PoolSizes s, const PoolInputs& in, const PoolResults& out,
                 const Scratch& scratch) {
  const Kept kept(in.keep, s.time);
  const Index n = kept.count();
  const real* const rows = kept.rows(in.x, s.features, scratch.x);
  gemm(dense(rows, n, s.features), dense(in.w, s.features, s.units), dense(out.hidden, n, s.units),
       false);
  FOVEA_BEST(scores)(n, s.units, in.b, in.v, out.hidden, scratch.weights);
  softmax(scratch.weights, nullptr, {1, n, 1}, scratch.weights);
  FOVEA_BEST(pool)(n, s.features, rows, scratch.weights, out.context);
  if (out.weights) kept.put_back(scratch.weights, 1, out.weights, false);
}

// The gradient of one sample's scores, in scratch.de: the kept ones, one after another.
void slopes_of_scores(PoolSizes s, const Kept& kept, const real* rows, const real* weights,
                      const PoolAdjoints& d, const Scratch& scratch) {
  const Index n = kept.count();
  std::fill_n(scratch.de, n, real(0));
  if (d.dweights) {
    const real* const given = kept.rows(d.dweights, 1, scratch.de);
    if (given != scratch.de) std::copy_n(given, n, scratch.de);
  }
  if (d.dcontext) FOVEA_BEST(pool_slopes)(n, s.features, rows, d.dcontext, scratch.de);
  softmax_slopes(scratch.de, weights, nullptr, {1, n, 1}, scratch.de, false);
}

// dx_t = dz_t W^T + weight_t dcontext is one product: dcontext is one row more of W^T, and weight_t
// one number more of dz_t.
void slopes_of_x(PoolSizes s, const Kept& kept, const real* dcontext, const PoolGradients& g,
                 const Scratch& scratch) {
  const Index n = kept.count();
  const bool direct = kept.at_front();
  const Index inner = s.units + (dcontext ? 1 : 0);
  if (dcontext) std::copy_n(dcontext, s.features, scratch.transposed_w + s.units * s.features);
  gemm(View{scratch.dz, Shape{n, inner}, {scratch.dz_step, 1}},
       dense(static_cast<const real*>(scratch.transposed_w), inner, s.features),
       dense(direct ? g.dx : scratch.dx, n, s.features), direct && g.add_dx);
  if (!direct)
    kept.put_back(scratch.dx, s.features, g.dx, g.add_dx);
  else if (!g.add_dx)
    std::fill_n(g.dx + n * s.features, (s.time - n) * s.features, real(0));
}

// Writes or adds to dx as g.add_dx says, and to dW as `add_dw`; adds to db and dv.
void slopes_of_sample(PoolSizes s, const PoolInputs& in, const PoolAdjoints& d,
                      const PoolGradients& g, bool add_dw, const Scratch& scratch) {
  const Kept kept(in.keep, s.time);
  const Index n = kept.count();
  const real* const rows = kept.rows(in.x, s.features, scratch.x);
  const real* const weights = kept.rows(d.weights, 1, scratch.weights);
  slopes_of_scores(s, kept, rows, weights, d, scratch);
  FOVEA_BEST(scores_slopes)
  ({n, s.units, scratch.de, in.v, d.hidden, weights, scratch.dz, scratch.dz_step, g.db, g.dv});
  gemm(View{rows, Shape{s.features, n}, {1, s.features}},
       View{scratch.dz, Shape{n, s.units}, {scratch.dz_step, 1}}, dense(g.dw, s.features, s.units),
       add_dw);
  if (g.dx) slopes_of_x(s, kept, d.dcontext, g, scratch);
}

// The gradients of W, b and v of one piece of the batch, behind one another at `sums`.
void slopes_of_piece(PoolSizes s, const PoolInputs& in, const PoolAdjoints& d,
                     const PoolGradients& gradients, Index piece, real* sums,
                     const Scratch& scratch) {
  const Index count_w = s.features * s.units;
  PoolGradients g{nullptr, gradients.add_dx, sums, sums + count_w, sums + count_w + s.units};
  std::fill_n(g.db, 2 * s.units, real(0));
  const Index begin = piece * samples_a_piece, end = std::min(s.batch, begin + samples_a_piece);
  if (begin >= end) std::fill_n(g.dw, count_w, real(0));
  for (Index i = begin; i < end; ++i) {
    if (gradients.dx) g.dx = gradients.dx + i * s.time * s.features;
    slopes_of_sample(s, sample(s, in, i), sample(s, d, i), g, i > begin, scratch);
  }
}

}  // namespace

void additive_pool(PoolSizes s, const PoolInputs& in, const PoolResults& out) {
  parallel::for_range(s.batch, parallel::grain(s.time * s.units * (2 + s.features / 16)),
                      [&](Index begin, Index end) {
                        const Scratch scratch(s);
                        for (Index i = begin; i < end; ++i)
                          pool_sample(s, sample(s, in, i), sample(s, out, i), scratch);
                      });
}

void additive_pool_slopes(PoolSizes s, const PoolInputs& in, const PoolAdjoints& d,
                          const PoolGradients& gradients) {
  // Wᵀ as an array of its own: OpenBLAS' kernels for small products do not take it transposed.
  const Index count_w = s.features * s.units;
  const Buffer transposed(count_w * static_cast<Index>(sizeof(real)));
  transpose(in.w, s.features, s.units, s.units, transposed.as<real>(), s.features);

  const Index pieces = std::max<Index>(1, (s.batch + samples_a_piece - 1) / samples_a_piece);
  const Index sums = count_w + 2 * s.units;  // dW, db, dv of one piece
  const Buffer partials(pieces * sums * static_cast<Index>(sizeof(real)));
  parallel::for_range(pieces, 1, [&](Index first, Index last) {
    const Scratch scratch(s);
    std::copy_n(transposed.as<real>(), count_w, scratch.transposed_w);
    for (Index piece = first; piece < last; ++piece)
      slopes_of_piece(s, in, d, gradients, piece, partials.as<real>() + piece * sums, scratch);
  });
  real* const total = partials.as<real>();
  if (pieces > 1) sum(total, {1, pieces, sums}, total, false);
  if (gradients.dw) std::copy_n(total, count_w, gradients.dw);
  if (gradients.db) std::copy_n(total + count_w, s.units, gradients.db);
  if (gradients.dv) std::copy_n(total + count_w + s.units, s.units, gradients.dv);
}

}}}  // namespace fovea::kernels
#endif
