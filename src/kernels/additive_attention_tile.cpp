#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/additive_attention_tile.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/additive_attention_tile.hpp"
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// How many numbers a vector holds.
HWY_INLINE Index lanes_of_vector() { return static_cast<Index>(hn::Lanes(Tag())); }

bool double_exponentials(const real* x, Index rows, Index units, Index lead, real* y,
                         std::uint8_t* beyond) {
  const Index width = lanes_of_vector();
  const Lane limit = lanes(plain_limit);
  bool any = false;
  for (Index i = 0; i < rows; ++i) {
    auto large = hn::Gt(limit, limit);
    real* const to = y + i * padded(units);
    std::fill(to + units, to + padded(units), real(0));
    for (Index u = 0; u < units; u += width) {
      const Index n = std::min(width, units - u);
      const Lane here = load(x + i * lead + u, n);
      large = hn::Or(large, hn::Gt(hn::Abs(here), limit));
      const Lane clamped = larger(hn::Neg(limit), smaller(limit, here));
      store(exp(clamped + clamped), to + u, n);
    }
    beyond[i] = !hn::AllFalse(Tag(), large);
    any |= beyond[i] != 0;
  }
  return any;
}

/// 1 / (1 + a b): by an estimate and a step of Newton where there is one.
template <class V>
HWY_INLINE V inverse_of_1_plus(V a, V b) {
  const V d = hn::MulAdd(a, b, lanes(1));
  if constexpr (has_estimates) {
    const V estimate = hn::ApproximateReciprocal(d);
    return hn::MulAdd(estimate, hn::NegMulAdd(d, estimate, lanes(1)), estimate);
  } else {
    return lanes(1) / d;
  }
}

/// Scores of `Rows` queries against `Vectors` vectors of positions, from (i, j) on.
template <int Rows, int Vectors>
HWY_INLINE void score_block(const ScoreTile& t, real total, Index i, Index j) {
  const Index width = lanes_of_vector(), lead = padded(t.units);
  const real* const a = t.a + i * lead;
  const real* const b = t.b_transposed + j;
  Lane sums[Rows * Vectors];
  for (Lane& sum : sums) sum = hn::Zero(Tag());
  for (Index u = 0; u < t.units; ++u) {
    const Lane v = hn::Set(Tag(), t.v[u]);
    Lane right[Vectors];
    for (int c = 0; c < Vectors; ++c) right[c] = hn::LoadU(Tag(), b + u * tile_size + c * width);
    for (int r = 0; r < Rows; ++r) {
      const Lane left = hn::Set(Tag(), a[r * lead + u]);
      for (int c = 0; c < Vectors; ++c)
        sums[r * Vectors + c] =
            hn::MulAdd(v, inverse_of_1_plus(left, right[c]), sums[r * Vectors + c]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int c = 0; c < Vectors; ++c)
      hn::StoreU(hn::NegMulAdd(lanes(2), sums[r * Vectors + c], hn::Set(Tag(), total)), Tag(),
                 t.scores + (i + r) * t.columns + j + c * width);
}

template <int Rows>
HWY_INLINE void score_rows(const ScoreTile& t, real total, Index i) {
  const Index width = lanes_of_vector();
  Index j = 0;
  for (; j + width < t.columns; j += 2 * width) score_block<Rows, 2>(t, total, i, j);
  if (j < t.columns) score_block<Rows, 1>(t, total, i, j);
}

void additive_scores(const ScoreTile& t) {
  real total = 0;
  for (Index u = 0; u < t.units; ++u) total += t.v[u];
  Index i = 0;
  for (; i + 4 <= t.rows; i += 4) score_rows<4>(t, total, i);
  for (; i < t.rows; ++i) score_rows<1>(t, total, i);
}

real additive_score(const real* q, const real* k, const real* v, Index units) {
  const Index width = lanes_of_vector();
  Lane total = hn::Zero(Tag());
  for (Index u = 0; u < units; u += width) {
    const Index n = std::min(width, units - u);
    total = hn::MulAdd(load(v + u, n), tanh(load(q + u, n) + load(k + u, n)), total);
  }
  return sum(total);
}

/// The way back of `Rows` queries from i on, for the vector of units at u.
template <int Rows, bool Some>
HWY_INLINE void slope_block(const SlopeTile& t, Index i, Index u) {
  const Index lead = padded(t.units), step = padded(t.count);
  const real* const d = t.d + i * step;
  Lane a[Rows], q_sums[Rows], v_sums[Rows];
  for (int r = 0; r < Rows; ++r) {
    a[r] = hn::LoadU(Tag(), t.a + (i + r) * lead + u);
    q_sums[r] = v_sums[r] = hn::Zero(Tag());
  }
  for (Index j = 0; j < t.count; ++j) {
    const Lane b = hn::LoadU(Tag(), t.b + j * lead + u);
    Lane k_sum = hn::LoadU(Tag(), t.k_sums + j * lead + u);
    for (int r = 0; r < Rows; ++r) {
      if (Some && !t.keep[(i + r) * step + j]) continue;
      const Lane inverse = inverse_of_1_plus(a[r], b);
      const Lane share = hn::Set(Tag(), d[r * step + j]) * inverse;
      const Lane slope = hn::NegMulAdd(share, inverse, share);
      q_sums[r] = q_sums[r] + slope;  // sums, where processors have units for sums alone
      k_sum = k_sum + slope;
      v_sums[r] = v_sums[r] + share;
    }
    hn::StoreU(k_sum, Tag(), t.k_sums + j * lead + u);
  }
  Lane all = hn::LoadU(Tag(), t.v_sums + u);
  for (int r = 0; r < Rows; ++r) {
    real* const q = t.q_sums + (i + r) * lead + u;
    hn::StoreU(hn::LoadU(Tag(), q) + q_sums[r], Tag(), q);
    all = all + v_sums[r];
  }
  hn::StoreU(all, Tag(), t.v_sums + u);
}

template <bool Some>
HWY_INLINE void slope_tile(const SlopeTile& t) {
  for (Index u = 0; u < t.units; u += lanes_of_vector()) {
    Index i = 0;
    for (; i + 4 <= t.rows; i += 4) slope_block<4, Some>(t, i, u);
    for (; i < t.rows; ++i) slope_block<1, Some>(t, i, u);
  }
}

void additive_slopes_of_tile(const SlopeTile& t) {
  if (t.keep)
    slope_tile<true>(t);
  else
    slope_tile<false>(t);
}

void additive_slopes_of_pair(const SlopePair& p) {
  const Index width = lanes_of_vector();
  const Lane given = hn::Set(Tag(), p.d), half = lanes(0.5);
  for (Index u = 0; u < p.units; u += width) {
    const Index n = std::min(width, p.units - u);
    const Lane y = tanh(load(p.q + u, n) + load(p.k + u, n));
    const Lane inverse = hn::NegMulAdd(half, y, half);
    const Lane slope = lanes(0.25) * hn::NegMulAdd(y, y, lanes(1));
    store(hn::MulAdd(given, slope, load(p.q_sums + u, n)), p.q_sums + u, n);
    store(hn::MulAdd(given, slope, load(p.k_sums + u, n)), p.k_sums + u, n);
    store(hn::MulAdd(given, inverse, load(p.v_sums + u, n)), p.v_sums + u, n);
  }
}

void cap_scores(const real* x, Index count, real cap, real* y) {
  const Lane scale = hn::Set(Tag(), cap), inverse = hn::Set(Tag(), 1 / cap);
  for (Index i = 0; i < count; i += lanes_of_vector())
    hn::StoreU(scale * tanh(hn::LoadU(Tag(), x + i) * inverse), Tag(), y + i);
}

void cap_slopes(const real* y, Index count, real cap, real* d) {
  const Lane inverse = hn::Set(Tag(), 1 / cap);
  for (Index i = 0; i < count; i += lanes_of_vector()) {
    const Lane t = hn::LoadU(Tag(), y + i) * inverse, given = hn::LoadU(Tag(), d + i);
    // What was not looked at has no gradient, whatever its score.
    const Lane slope = given * hn::NegMulAdd(t, t, lanes(1));
    hn::StoreU(hn::IfThenZeroElse(hn::Eq(given, hn::Zero(Tag())), slope), Tag(), d + i);
  }
}

/// What is subtracted from scores: their largest, or 0 where none is a number above -infinity.
HWY_INLINE real base_of(real largest) { return largest > -infinity ? largest : real(0); }

void add_to_softmax(Index rows, Index columns, real* scores, const RunningSoftmax& s) {
  const Index width = lanes_of_vector();
  for (Index i = 0; i < rows; ++i) {
    real* const row = scores + i * columns;
    Lane most = hn::Set(Tag(), s.largest[i]);
    for (Index j = 0; j < columns; j += width)
      most = larger(hn::LoadU(Tag(), row + j), most);  // passes over a NaN
    const real before = s.largest[i], now = hn::GetLane(hn::MaxOfLanes(Tag(), most));
    const Lane base = hn::Set(Tag(), base_of(now));
    Lane total = hn::Zero(Tag());
    for (Index j = 0; j < columns; j += width) {
      const Lane e = exp_of_negative(hn::LoadU(Tag(), row + j) - base);
      hn::StoreU(e, Tag(), row + j);
      total = total + e;
    }
    s.largest[i] = now;
    s.factor[i] =
        before == now ? real(1) : hn::GetLane(exp_of_negative(hn::Set(Tag(), before) - base));
    s.total[i] = s.total[i] * s.factor[i] + sum(total);
  }
}

HWY_INLINE Lane weight(Lane score, Lane base, Lane inverse) {
  return hn::IfThenZeroElse(hn::Eq(score, lanes(-infinity)),
                            exp_of_negative(score - base) * inverse);
}

void weights_of(const real* scores, Index count, real largest, real inverse, real* weights) {
  const Index width = lanes_of_vector();
  const Lane base = hn::Set(Tag(), base_of(largest)), factor = hn::Set(Tag(), inverse);
  for (Index j = 0; j < count; j += width) {
    const Index n = std::min(width, count - j);
    store(weight(load(scores + j, n), base, factor), weights + j, n);
  }
}

void softmax_row_slopes(const SoftmaxRow& row) {
  const Lane base = hn::Set(Tag(), base_of(row.largest)), mean = hn::Set(Tag(), row.mean);
  const Lane inverse = hn::Set(Tag(), row.inverse);
  for (Index j = 0; j < row.count; j += lanes_of_vector()) {
    const Lane score = hn::LoadU(Tag(), row.scores + j);
    const Lane w = weight(score, base, inverse);
    const Lane drop = row.drops ? hn::LoadU(Tag(), row.drops + j) : lanes(1);
    const Lane used = hn::LoadU(Tag(), row.d + j);
    const Lane given =
        row.dweights ? hn::MulAdd(used, drop, hn::LoadU(Tag(), row.dweights + j)) : used * drop;
    hn::StoreU(w * drop, Tag(), row.used + j);
    hn::StoreU(hn::IfThenZeroElse(hn::Eq(score, lanes(-infinity)), w * (given - mean)), Tag(),
               row.d + j);
  }
}

bool all_finite(const real* x, Index count) {
  const Index width = lanes_of_vector();
  Lane zeros = hn::Zero(Tag());
  for (Index i = 0; i < count; i += width)
    zeros = hn::MulAdd(load(x + i, std::min(width, count - i)), hn::Zero(Tag()), zeros);
  return hn::AllTrue(Tag(), hn::Eq(zeros, hn::Zero(Tag())));
}

real dot(const real* x, const real* y, Index count) {
  const Index width = lanes_of_vector();
  Lane even = hn::Zero(Tag()), odd = even;
  const auto times = [&](Index i, Index n)
                         HWY_ATTR { return y ? load(x + i, n) * load(y + i, n) : load(x + i, n); };
  for (Index i = 0; i < count; i += 2 * width) {
    even = even + times(i, std::min(width, count - i));
    if (i + width < count) odd = odd + times(i + width, std::min(width, count - i - width));
  }
  return sum(even + odd);
}

void scale_row(const real* x, real factor, Index count, real* y, bool add) {
  const Index width = lanes_of_vector();
  const Lane f = hn::Set(Tag(), factor);
  for (Index i = 0; i < count; i += width) {
    const Index n = std::min(width, count - i);
    const Lane here = load(x + i, n);
    store(add ? hn::MulAdd(f, here, load(y + i, n)) : f * here, y + i, n);
  }
}

void times_4v(const real* x, const real* v, Index units, real* y, bool add) {
  const Index width = lanes_of_vector();
  for (Index u = 0; u < units; u += width) {
    const Index n = std::min(width, units - u);
    const Lane d = lanes(4) * load(v + u, n) * load(x + u, n);
    store(add ? load(y + u, n) + d : d, y + u, n);
  }
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

bool double_exponentials(const real* x, Index rows, Index units, Index lead, real* y,
                         std::uint8_t* beyond) {
  return FOVEA_BEST(double_exponentials)(x, rows, units, lead, y, beyond);
}
void additive_scores(const ScoreTile& tile) { FOVEA_BEST(additive_scores)(tile); }
real additive_score(const real* q, const real* k, const real* v, Index units) {
  return FOVEA_BEST(additive_score)(q, k, v, units);
}
void additive_slopes(const SlopeTile& tile) { FOVEA_BEST(additive_slopes_of_tile)(tile); }
void additive_slopes(const SlopePair& pair) { FOVEA_BEST(additive_slopes_of_pair)(pair); }
void cap_scores(const real* x, Index count, real cap, real* y) {
  FOVEA_BEST(cap_scores)(x, count, cap, y);
}
void cap_slopes(const real* y, Index count, real cap, real* d) {
  FOVEA_BEST(cap_slopes)(y, count, cap, d);
}
void add_to_softmax(Index rows, Index columns, real* scores, const RunningSoftmax& softmax) {
  FOVEA_BEST(add_to_softmax)(rows, columns, scores, softmax);
}
void weights_of(const real* scores, Index count, real largest, real inverse, real* weights) {
  FOVEA_BEST(weights_of)(scores, count, largest, inverse, weights);
}
void softmax_row_slopes(const SoftmaxRow& row) { FOVEA_BEST(softmax_row_slopes)(row); }
bool all_finite(const real* x, Index count) { return FOVEA_BEST(all_finite)(x, count); }
real dot(const real* x, const real* y, Index count) { return FOVEA_BEST(dot)(x, y, count); }
void scale_row(const real* x, real factor, Index count, real* y, bool add) {
  FOVEA_BEST(scale_row)(x, factor, count, y, add);
}
void times_4v(const real* x, const real* v, Index units, real* y, bool add) {
  FOVEA_BEST(times_4v)(x, v, units, y, add);
}

}}}  // namespace fovea::kernels
#endif
