#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_tiles.cpp"
#include "kernels/targets.hpp"
//
#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/attention_tiles.hpp"
#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

// Registers for 6 x 4 sums, or where there are half as many registers, 6 x 2.
constexpr int most_rows = 6, most_vectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

template <bool transposed, int vectors, std::size_t... sum>
HWY_INLINE void register_tile(const tile::Product& p, Index row, Index column,
                              std::index_sequence<sum...>) {
  constexpr Index width = static_cast<Index>(hn::MaxLanes(Tag()));
  const auto c = [&](std::size_t n) HWY_ATTR {
    return p.c + (row + static_cast<Index>(n) / vectors) * p.lead_c + column +
           static_cast<Index>(n) % vectors * width;
  };
  Lane sums[] = {(p.add ? hn::LoadU(Tag(), c(sum)) : hn::Zero(Tag()))...};
  const real* a = p.a + (transposed ? row : row * p.lead_a);
  const real* b = p.b + column;
  for (Index k = 0; k < p.inner; ++k) {
    Lane right[vectors];
    for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(Tag(), b + v * width);
    ((sums[sum] = hn::MulAdd(
          hn::Set(Tag(), a[static_cast<Index>(sum) / vectors * (transposed ? 1 : p.lead_a)]),
          right[sum % vectors], sums[sum])),
     ...);
    a += transposed ? p.lead_a : 1;
    b += p.lead_b;
  }
  (hn::StoreU(sums[sum], Tag(), c(sum)), ...);
}

template <bool transposed, int vectors, int rows>
HWY_INLINE void some_rows(const tile::Product& p, Index row, Index column) {
  if constexpr (rows > 0) {
    if (p.rows - row < rows) return some_rows<transposed, vectors, rows - 1>(p, row, column);
    register_tile<transposed, vectors>(p, row, column,
                                       std::make_index_sequence<std::size_t(rows * vectors)>());
  }
}

template <bool transposed, int vectors>
HWY_INLINE void column_panel(const tile::Product& p, Index column) {
  if constexpr (vectors > 0) {
    constexpr Index width = static_cast<Index>(hn::MaxLanes(Tag()));
    if (p.columns - column < vectors * width)
      return column_panel<transposed, vectors - 1>(p, column);
    for (Index row = 0; row < p.rows; row += most_rows)
      some_rows<transposed, vectors, most_rows>(p, row, column);
  }
}

void multiply_tile(const tile::Product& p) {
  constexpr Index panel = most_vectors * static_cast<Index>(hn::MaxLanes(Tag()));
  for (Index column = 0; column < p.columns; column += panel)
    if (p.is_transposed)
      column_panel<true, most_vectors>(p, column);
    else
      column_panel<false, most_vectors>(p, column);
}

bool pack_rows(const real* x, Index lead_x, Index rows, Index width, real factor, real* to) {
  constexpr Index lanes_here = static_cast<Index>(hn::MaxLanes(Tag()));
  const Index lead = tile::lead(width);
  const Lane scale = hn::Set(Tag(), factor);
  Lane check = hn::Zero(Tag());
  for (Index i = 0; i < rows; ++i)
    for (Index f = 0; f < lead; f += lanes_here) {
      const Index n = std::clamp<Index>(width - f, 0, lanes_here);
      const Lane v = n > 0 ? load(x + i * lead_x + f, n) * scale : hn::Zero(Tag());
      const Lane zero = v - v;  // NaN where v is not finite
      check = check + zero;
      hn::StoreU(hn::IfThenElseZero(hn::Eq(zero, zero), v), Tag(), to + i * lead + f);
    }
  return sum(check) == 0;
}

bool all_finite(const tile::Matrix& x) {
  constexpr Index lanes_here = static_cast<Index>(hn::MaxLanes(Tag()));
  Lane check = hn::Zero(Tag());
  for (Index i = 0; i < x.rows; ++i)
    for (Index f = 0; f < x.width; f += lanes_here) {
      const Lane v = load(x.data + i * x.lead + f, std::min(x.width - f, lanes_here));
      check = check + (v - v);  // NaN where v is not finite
    }
  return sum(check) == 0;
}

void dot_rows(const tile::Matrix& x, const real* y, Index lead_y, real* to) {
  constexpr Index lanes_here = static_cast<Index>(hn::MaxLanes(Tag()));
  for (Index i = 0; i < x.rows; ++i) {
    Lane total = hn::Zero(Tag());
    for (Index f = 0; f < x.width; f += lanes_here) {
      const Index n = std::min(x.width - f, lanes_here);
      total = hn::MulAdd(load(x.data + i * x.lead + f, n), load(y + i * lead_y + f, n), total);
    }
    to[i] = sum(total);
  }
}

void put_rows(const tile::Matrix& x, const tile::Factors& factors, real* to, Index lead_to,
              bool add) {
  constexpr Index lanes_here = static_cast<Index>(hn::MaxLanes(Tag()));
  for (Index i = 0; i < x.rows; ++i) {
    const Lane factor = hn::Set(Tag(), factors.data[i * factors.step]);
    for (Index f = 0; f < x.width; f += lanes_here) {
      const Index n = std::min(x.width - f, lanes_here);
      real* const at = to + i * lead_to + f;
      const Lane value = load(x.data + i * x.lead + f, n) * factor;
      store(add ? load(at, n) + value : value, at, n);
    }
  }
}

/// 2^x for x up to 1 or so, within 1.5 units in the last place; 0 where it would be subnormal. By
/// interpolation at Chebyshev's points.
HWY_INLINE Lane exp2(Lane x) {
  constexpr double few[] = {0.00015461444663427825,
                            0.0013400428176948808,
                            0.0096180566786434607,
                            0.055503272266723573,
                            0.240226509222879,
                            0.69314720670283148,
                            1};
  constexpr double many[] = {8.6425242325483201e-11,
                             4.4779626831487802e-10,
                             7.0180529659030385e-09,
                             1.0178023497159751e-07,
                             1.321556402737673e-06,
                             1.5252733661792634e-05,
                             0.000154035303260058,
                             0.0013333558146791946,
                             0.0096181291076553495,
                             0.055504108664819883,
                             0.2402265069591,
                             0.69314718055994529,
                             1};
  const Lane least = lanes(single ? -126 : -1022), shift = lanes(single ? 0x1.8p23 : 0x1.8p52);
  const Lane y = larger(least, x), shifted = y + shift, r = y - (shifted - shift);
  Lane p;
  if constexpr (single)
    p = polynomial(r, few);
  else
    p = polynomial(r, many);
  const auto n = hn::BitCast(Integers(), shifted) - hn::BitCast(Integers(), shift);
  return hn::IfThenZeroElse(hn::Lt(x, least), p * power_of_two(n));
}

/// Calls row(i, pointer) for each row, and each(offset) for its vectors.
template <class F>
HWY_INLINE void for_vectors(Index columns, const F& f) {
  for (Index j = 0; j < columns; j += static_cast<Index>(hn::MaxLanes(Tag()))) f(j);
}

void cap_scores(const tile::Scores& t, real factor, real* kept) {
  const Lane scale = hn::Set(Tag(), factor);
  for (Index i = 0; i < t.rows * tile::positions; i += tile::positions)
    for_vectors(t.columns, [&](Index j) HWY_ATTR {
      const Lane y = tanh(hn::LoadU(Tag(), t.s + i + j));
      hn::StoreU(y, Tag(), kept + i + j);
      hn::StoreU(y * scale, Tag(), t.s + i + j);
    });
}

/// One row of go_on: its largest score becomes `largest`, its sum of powers the result.
HWY_INLINE real powers(real* s, Index columns, real largest) {
  const Lane shift = hn::Set(Tag(), largest == static_cast<real>(-infinity) ? real(0) : largest);
  Lane total = hn::Zero(Tag());
  for_vectors(columns, [&](Index j) HWY_ATTR {
    const Lane y = exp2(hn::LoadU(Tag(), s + j) - shift);
    hn::StoreU(y, Tag(), s + j);
    total = total + y;
  });
  return sum(total);
}

void softmax_on(const tile::Scores& t, const tile::Running& run) {
  for (Index i = 0; i < t.rows; ++i) {
    real* const s = t.s + i * tile::positions;
    Lane most = lanes(-infinity);
    for_vectors(t.columns, [&](Index j) HWY_ATTR { most = larger(hn::LoadU(Tag(), s + j), most); });
    const real largest = hn::GetLane(hn::MaxOfLanes(Tag(), most));
    if (largest > run.largest[i]) {
      const Lane factor = exp2(hn::Set(Tag(), run.largest[i] - largest));
      run.largest[i] = largest;
      run.sum[i] *= hn::GetLane(factor);
      for_vectors(run.lead, [&](Index f) HWY_ATTR {
        real* const v = run.values + i * run.lead + f;
        hn::StoreU(hn::LoadU(Tag(), v) * factor, Tag(), v);
      });
    }
    run.sum[i] += powers(s, t.columns, run.largest[i]);
  }
}

void weigh_scores(const tile::Scores& t, const real* l) {
  for (Index i = 0; i < t.rows; ++i) {
    real* const s = t.s + i * tile::positions;
    const Lane shift = hn::Set(Tag(), l[i]);
    for_vectors(t.columns, [&](Index j) HWY_ATTR {
      const Lane score = hn::LoadU(Tag(), s + j);
      const Lane weight = exp2(score - shift);
      hn::StoreU(hn::IfThenZeroElse(hn::Eq(score, lanes(-infinity)), weight), Tag(), s + j);
    });
  }
}

void slopes_of_scores(const tile::Scores& t, const real* p, const real* d) {
  for (Index i = 0; i < t.rows; ++i) {
    const Index row = i * tile::positions;
    const Lane mean = hn::Set(Tag(), d[i]);
    for_vectors(t.columns, [&](Index j) HWY_ATTR {
      const Lane ds = hn::LoadU(Tag(), p + row + j) * (hn::LoadU(Tag(), t.s + row + j) - mean);
      hn::StoreU(ds, Tag(), t.s + row + j);
    });
  }
}

void slopes_of_cap(const tile::Scores& t, const real* kept) {
  for (Index i = 0; i < t.rows * tile::positions; i += tile::positions)
    for_vectors(t.columns, [&](Index j) HWY_ATTR {
      const Lane y = hn::LoadU(Tag(), kept + i + j);
      hn::StoreU(hn::LoadU(Tag(), t.s + i + j) * hn::NegMulAdd(y, y, lanes(1)), Tag(), t.s + i + j);
    });
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace tile {

void multiply(const Product& product) { FOVEA_BEST(multiply_tile)(product); }
bool pack(const real* x, Index lead_x, Index rows, Index width, real factor, real* to) {
  return FOVEA_BEST(pack_rows)(x, lead_x, rows, width, factor, to);
}
bool is_finite(const Matrix& x) { return FOVEA_BEST(all_finite)(x); }
void dots(const Matrix& x, const real* y, Index lead_y, real* to) {
  FOVEA_BEST(dot_rows)(x, y, lead_y, to);
}
void put(const Matrix& x, const Factors& factors, real* to, Index lead_to, bool add) {
  FOVEA_BEST(put_rows)(x, factors, to, lead_to, add);
}
void cap(const Scores& scores, real factor, real* t) { FOVEA_BEST(cap_scores)(scores, factor, t); }
void add_bias(const Scores& scores, const real* bias, Index row, Index step, Index count) {
  constexpr real base = static_cast<real>(1.4426950408889634074);
  constexpr real lowest = -std::numeric_limits<real>::infinity();
  for (Index i = 0; i < scores.rows; ++i)
    for (Index j = 0; j < count; ++j) {
      const real b = bias[i * row + j * step];
      real& s = scores.s[i * positions + j];
      s = b == lowest ? lowest : s + b * base;
    }
}
void go_on(const Scores& scores, const Running& running) {
  FOVEA_BEST(softmax_on)(scores, running);
}
void weigh(const Scores& scores, const real* l) { FOVEA_BEST(weigh_scores)(scores, l); }
void slopes(const Scores& ds, const real* p, const real* d) {
  FOVEA_BEST(slopes_of_scores)(ds, p, d);
}
void cap_slopes(const Scores& ds, const real* t) { FOVEA_BEST(slopes_of_cap)(ds, t); }

}}}}  // namespace fovea::kernels::tile
#endif
