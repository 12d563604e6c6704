// Elementary functions over vectors of reals. One source serves float and double: the degree of a polynomial is chosen so that
// its remainder is below half a unit in the last place of either. NaN gives NaN. Error bounds are checked over the whole range
// by tests/kernels/lanes_test.cpp.
#if defined(FOVEA_KERNELS_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_LANES_INL_HPP
#undef FOVEA_KERNELS_LANES_INL_HPP
#else
#define FOVEA_KERNELS_LANES_INL_HPP
#endif

#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "fovea/base/real.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<real>;
using Lane = hn::Vec<Tag>;

/// A constant in every lane.
HWY_INLINE Lane lanes(double value) { return hn::Set(Tag(), static_cast<real>(value)); }

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr bool single = sizeof(real) == 4;

/// The larger and the smaller of two; b where one of them is a NaN. That is what Max and Min of x86 do; those of other targets differ.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
HWY_INLINE Lane larger(Lane a, Lane b) { return hn::Max(a, b); }
HWY_INLINE Lane smaller(Lane a, Lane b) { return hn::Min(a, b); }
#else
HWY_INLINE Lane larger(Lane a, Lane b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
HWY_INLINE Lane smaller(Lane a, Lane b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
#endif

/// What is left of 2^n e^r: r = x - n ln 2, with |r| <= ln 2 / 2, and 2^n as the product of two powers, so that neither overflows.
struct ReducedExp {
  Lane r, half_power, other_power;
};

HWY_INLINE ReducedExp reduce_exp(Lane x) {
  const hn::RebindToSigned<Tag> integers;
  // ln 2 in two parts; the first has so few digits that n times it is exact.
  const double high = single ? 0.693359375 : 6.93145751953125e-1;
  const double low = single ? -2.12194440054690583e-4 : 1.42860682030941723212e-6;
  const Lane n = hn::Round(x * lanes(1.4426950408889634074));
  const Lane r = hn::NegMulAdd(n, lanes(low), hn::NegMulAdd(n, lanes(high), x));
  const auto whole = hn::ConvertTo(integers, n);
  const auto half = hn::ShiftRight<1>(whole);
  const auto power = [&](auto exponent) HWY_ATTR {
    constexpr int bias = single ? 127 : 1023, fraction_bits = single ? 23 : 52;
    return hn::BitCast(Tag(), hn::ShiftLeft<fraction_bits>(exponent + hn::Set(integers, bias)));
  };
  return {r, power(half), power(whole - half)};
}

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2: the series 1/2 + r/6 + ... 1/k!.
HWY_INLINE Lane exp_series(Lane r) {
  if constexpr (single) {
    Lane p = lanes(1.0 / 5040);
    for (const double c : {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5}) p = hn::MulAdd(p, r, lanes(c));
    return p;
  } else {
    Lane p = lanes(1.0 / 6227020800);
    for (const double c : {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5})
      p = hn::MulAdd(p, r, lanes(c));
    return p;
  }
}

/// e^x, within 1.5 units in the last place; infinity above the largest real, subnormal or 0 below the smallest.
HWY_INLINE Lane exp(Lane x) {
  x = larger(lanes(single ? -105 : -746), smaller(lanes(single ? 89 : 710), x));  // a NaN is the second argument: it passes
  const ReducedExp e = reduce_exp(x);
  return hn::MulAdd(exp_series(e.r), e.r * e.r, e.r + lanes(1)) * e.half_power * e.other_power;
}

/// e^x - 1, within 2.5 units in the last place, also near 0.
HWY_INLINE Lane expm1(Lane x) {
  const Lane clamped = larger(lanes(single ? -30 : -60), smaller(lanes(single ? 89 : 710), x));
  const ReducedExp e = reduce_exp(clamped);
  const Lane fraction = hn::MulAdd(exp_series(e.r), e.r * e.r, e.r);
  const Lane power = e.half_power * e.other_power;
  const Lane near = hn::MulAdd(power, fraction, power - lanes(1));
  return hn::IfThenElse(hn::Gt(clamped, lanes(single ? 60 : 400)), (fraction + lanes(1)) * e.half_power * e.other_power, near);
}

/// tanh x = s (e^2|x| - 1) / (e^2|x| + 1), s the sign of x; within 3 units in the last place.
HWY_INLINE Lane tanh(Lane x) {
  const Lane magnitude = smaller(lanes(single ? 10 : 20), hn::Abs(x));
  const Lane e = expm1(magnitude + magnitude);
  return hn::CopySign(e / (e + lanes(2)), x);
}

/// 1 / (1 + e^-x), within 4 units in the last place; 0 where e^-x is infinite.
HWY_INLINE Lane sigmoid(Lane x) { return lanes(1) / (lanes(1) + exp(hn::Neg(x))); }

/// ln x, within 4 units in the last place; -infinity at 0, NaN below.
HWY_INLINE Lane log(Lane x) {
  const Lane finite = hn::Log(Tag(), x);
  const Lane edges = hn::IfThenElse(hn::Eq(x, lanes(0)), lanes(-infinity), hn::IfThenElse(hn::Gt(x, lanes(0)), x, lanes(std::numeric_limits<double>::quiet_NaN())));
  return hn::IfThenElse(hn::And(hn::Gt(x, lanes(0)), hn::Lt(x, lanes(infinity))), finite, edges);
}

/// ln (1 + x), within 4 units in the last place, also near 0; -infinity at -1, NaN below.
HWY_INLINE Lane log1p(Lane x) {
  const Lane finite = hn::Log1p(Tag(), x);
  const Lane edges = hn::IfThenElse(hn::Eq(x, lanes(-1)), lanes(-infinity), hn::IfThenElse(hn::Gt(x, lanes(-1)), x, lanes(std::numeric_limits<double>::quiet_NaN())));
  return hn::IfThenElse(hn::And(hn::Gt(x, lanes(-1)), hn::Lt(x, lanes(infinity))), finite, edges);
}

/// The sum of all lanes.
HWY_INLINE real sum(Lane x) { return hn::GetLane(hn::SumOfLanes(Tag(), x)); }

/// The largest lane.
HWY_INLINE real maximum(Lane x) { return hn::GetLane(hn::MaxOfLanes(Tag(), x)); }

/// The first `n` numbers at `p`, `filler` in the other lanes. For the tail of a loop: tails go through the same vector
/// operations as everything else, so an element's bits do not depend on where it stands.
HWY_INLINE Lane load_some(const real* p, Index n, real filler = 0) {
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  hn::Store(hn::Set(Tag(), filler), Tag(), values);
  for (Index i = 0; i < n; ++i) values[i] = p[i];
  return hn::Load(Tag(), values);
}

/// Writes the first `n` lanes.
HWY_INLINE void store_some(Lane x, real* p, Index n) {
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  hn::Store(x, Tag(), values);
  for (Index i = 0; i < n; ++i) p[i] = values[i];
}

/// The first `n` numbers at `p`, or a whole vector of them.
HWY_INLINE Lane load(const real* p, Index n) { return n == static_cast<Index>(hn::Lanes(Tag())) ? hn::LoadU(Tag(), p) : load_some(p, n); }

HWY_INLINE void store(Lane x, real* p, Index n) {
  if (n == static_cast<Index>(hn::Lanes(Tag())))
    hn::StoreU(x, Tag(), p);
  else
    store_some(x, p, n);
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
