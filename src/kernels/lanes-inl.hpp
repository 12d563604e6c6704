// Elementary functions over vectors of reals. One source serves float and double: the degree of a
// polynomial is chosen so that its remainder is below half a unit in the last place of either. NaN
// gives NaN. Error bounds are checked over the whole range by tests/kernels/lanes_test.cpp and
// lanes_special_test.cpp.
#if defined(FOVEA_KERNELS_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_LANES_INL_HPP
#undef FOVEA_KERNELS_LANES_INL_HPP
#else
#define FOVEA_KERNELS_LANES_INL_HPP
#endif

#include <hwy/contrib/math/math-inl.h>

#include <cmath>
#include <limits>

#include "fovea/base/real.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<real>;
using Lane = hn::Vec<Tag>;

/// A constant in every lane.
HWY_INLINE Lane lanes(double value) { return hn::Set(Tag(), static_cast<real>(value)); }

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr bool single = sizeof(real) == 4;

/// The larger and the smaller of two; b where one of them is a NaN. That is what Max and Min of x86
/// do; those of other targets differ.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
HWY_INLINE Lane larger(Lane a, Lane b) { return hn::Max(a, b); }
HWY_INLINE Lane smaller(Lane a, Lane b) { return hn::Min(a, b); }
#else
HWY_INLINE Lane larger(Lane a, Lane b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
HWY_INLINE Lane smaller(Lane a, Lane b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
#endif

/// A slope that is a constant wherever x is a number: NaN where x is.
HWY_INLINE Lane slope_unless_nan(Lane x, Lane slope) {
  return hn::IfThenElse(hn::IsNaN(x), x, slope);
}

using Integers = hn::RebindToSigned<Tag>;

/// e^x as 2^n e^r: r = x - n ln 2, with |r| <= ln 2 / 2.
struct ReducedExp {
  Lane r;
  hn::Vec<Integers> n;
};

/// For |x| < 2^20. A number as large as `shift` has no binary places, so adding it rounds to an
/// integer and leaves that in the low bits.
HWY_INLINE ReducedExp reduce_exp(Lane x) {
  const Lane shift = lanes(single ? 0x1.8p23 : 0x1.8p52);
  // ln 2 in two parts; the first has so few digits that n times it is exact.
  const double high = single ? 0.693359375 : 6.93145751953125e-1;
  const double low = single ? -2.12194440054690583e-4 : 1.42860682030941723212e-6;
  const Lane shifted = hn::MulAdd(x, lanes(1.4426950408889634074), shift), n = shifted - shift;
  return {hn::NegMulAdd(n, lanes(low), hn::NegMulAdd(n, lanes(high), x)),
          hn::BitCast(Integers(), shifted) - hn::BitCast(Integers(), shift)};
}

/// 2^n, for n that give a normal number.
HWY_INLINE Lane power_of_two(hn::Vec<Integers> n) {
  constexpr int bias = single ? 127 : 1023, fraction_bits = single ? 23 : 52;
  return hn::BitCast(Tag(), hn::ShiftLeft<fraction_bits>(n + hn::Set(Integers(), bias)));
}

/// x 2^n in two steps, so that the power neither overflows nor underflows before the product does.
HWY_INLINE Lane scaled(Lane x, hn::Vec<Integers> n) {
  const auto half = hn::ShiftRight<1>(n);
  return x * power_of_two(half) * power_of_two(n - half);
}

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2: the series 1/2 + r/6 + ... 1/k!.
HWY_INLINE Lane exp_series(Lane r) {
  if constexpr (single) {
    Lane p = lanes(1.0 / 5040);
    for (const double c : {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5})
      p = hn::MulAdd(p, r, lanes(c));
    return p;
  } else {
    Lane p = lanes(1.0 / 6227020800);
    for (const double c : {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                           1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5})
      p = hn::MulAdd(p, r, lanes(c));
    return p;
  }
}

/// e^x, within 1.5 units in the last place; infinity above the largest real, subnormal or 0 below
/// the smallest.
HWY_INLINE Lane exp(Lane x) {
  x = larger(lanes(single ? -105 : -746),
             smaller(lanes(single ? 89 : 710), x));  // a NaN is the second argument: it passes
  const ReducedExp e = reduce_exp(x);
  return scaled(hn::MulAdd(exp_series(e.r), e.r * e.r, e.r + lanes(1)), e.n);
}

/// e^x of numbers that are not above 0, within 1.5 units in the last place; 0 where it would be
/// subnormal or nearly so. Two thirds of the work of `exp`.
HWY_INLINE Lane exp_of_negative(Lane x) {
  const Lane least = lanes(single ? -87.3 : -708.3);
  const ReducedExp e = reduce_exp(larger(least, x));
  return hn::IfThenZeroElse(
      hn::Lt(x, least), hn::MulAdd(exp_series(e.r), e.r * e.r, e.r + lanes(1)) * power_of_two(e.n));
}

/// e^x - 1, within 2.5 units in the last place, also near 0.
HWY_INLINE Lane expm1(Lane x) {
  const Lane clamped = larger(lanes(single ? -30 : -60), smaller(lanes(single ? 89 : 710), x));
  const ReducedExp e = reduce_exp(clamped);
  const Lane fraction = hn::MulAdd(exp_series(e.r), e.r * e.r, e.r), power = scaled(lanes(1), e.n);
  const Lane near = hn::MulAdd(power, fraction, power - lanes(1));
  return hn::IfThenElse(hn::Gt(clamped, lanes(single ? 60 : 400)), scaled(fraction + lanes(1), e.n),
                        near);
}

/// Whether reciprocals and their roots are estimated to 11 bits or more, at a third of the time of
/// the true instructions; ARM's have 8.
constexpr bool has_estimates = single && HWY_ARCH_X86;
constexpr bool has_fine_estimates = HWY_TARGET <= HWY_AVX3;  // to 14 bits

/// a / b, within 1 unit in the last place, where b and the quotient are far from the ends of the
/// range: by an estimate of 1 / b, better by a step of Newton where it is not fine, and the
/// remainder's share.
template <class V>
HWY_INLINE V quotient(V a, V b) {
  if constexpr (has_estimates) {
    const V estimate = hn::ApproximateReciprocal(b);
    const V inverse =
        has_fine_estimates ? estimate : estimate * hn::NegMulAdd(b, estimate, lanes(2));
    const V q = a * inverse;
    return hn::MulAdd(hn::NegMulAdd(b, q, a), inverse, q);
  } else {
    return a / b;
  }
}

/// tanh x = s (e^2|x| - 1) / (e^2|x| + 1), s the sign of x; within 3 units in the last place.
HWY_INLINE Lane tanh(Lane x) {
  const Lane magnitude = smaller(lanes(single ? 10 : 20), hn::Abs(x));
  const ReducedExp e = reduce_exp(magnitude + magnitude);
  const Lane power = power_of_two(e.n);
  const Lane exp_less_1 =
      hn::MulAdd(power, hn::MulAdd(exp_series(e.r), e.r * e.r, e.r), power - lanes(1));
  return hn::CopySign(quotient(exp_less_1, exp_less_1 + lanes(2)), x);
}

/// 1 / (1 + e^-x), within 4 units in the last place; 0 where e^-x is infinite.
HWY_INLINE Lane sigmoid(Lane x) {
  const Lane least = lanes(single ? -88.7228317 : -709.782712893384);  // below, e^-x would overflow
  return hn::IfThenZeroElse(hn::Lt(x, least),
                            lanes(1) / (lanes(1) + exp(hn::Neg(larger(least, x)))));
}

/// ln x, within 4 units in the last place; -infinity at 0, NaN below.
HWY_INLINE Lane log(Lane x) {
  const Lane finite = hn::Log(Tag(), x);
  const Lane edges = hn::IfThenElse(
      hn::Eq(x, lanes(0)), lanes(-infinity),
      hn::IfThenElse(hn::Gt(x, lanes(0)), x, lanes(std::numeric_limits<double>::quiet_NaN())));
  return hn::IfThenElse(hn::And(hn::Gt(x, lanes(0)), hn::Lt(x, lanes(infinity))), finite, edges);
}

/// ln (1 + x), within 4 units in the last place, also near 0; -infinity at -1, NaN below.
HWY_INLINE Lane log1p(Lane x) {
  const Lane finite = hn::Log1p(Tag(), x);
  const Lane edges = hn::IfThenElse(
      hn::Eq(x, lanes(-1)), lanes(-infinity),
      hn::IfThenElse(hn::Gt(x, lanes(-1)), x, lanes(std::numeric_limits<double>::quiet_NaN())));
  return hn::IfThenElse(hn::And(hn::Gt(x, lanes(-1)), hn::Lt(x, lanes(infinity))), finite, edges);
}

/// f(x) for one lane after the other, where there is no vector version.
template <class F>
HWY_INLINE Lane each(Lane x, const F& f) {
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)];
  hn::Store(x, Tag(), values);
  for (std::size_t i = 0; i < hn::Lanes(Tag()); ++i) values[i] = f(values[i]);
  return hn::Load(Tag(), values);
}

/// x^exponent, within 1 unit in the last place: the C library's, one after the other.
HWY_INLINE Lane pow(Lane x, real exponent) {
  return each(x, [exponent](real v) { return std::pow(v, exponent); });
}

/// c[0] x^n + c[1] x^(n-1) + ... + c[n].
template <std::size_t N>
HWY_INLINE Lane polynomial(Lane x, const double (&c)[N]) {
  Lane sum = lanes(c[0]);
  for (std::size_t i = 1; i < N; ++i) sum = hn::MulAdd(sum, x, lanes(c[i]));
  return sum;
}

/// erf x for |x| <= 0.5: x times a polynomial of x^2 that interpolates at Chebyshev's points, as do
/// those below.
HWY_INLINE Lane erf_near(Lane x) {
  constexpr double few[] = {4.71908256721881388e-3, -2.67577327350155156e-2, 1.12828314284658619e-1,
                            -3.76126090074698029e-1, 1.12837916560179146};
  constexpr double many[] = {
      1.47258654805567439e-6,  -1.48458492597078698e-5, 1.20533351243537407e-4,
      -8.54829775367496688e-4, 5.22397737302147002e-3,  -2.68661706328879294e-2,
      1.12837916709253531e-1,  -3.76126389031834735e-1, 1.12837916709551257};
  const Lane square = x * x;
  if constexpr (single)
    return x * polynomial(square, few);
  else
    return x * polynomial(square, many);
}

/// e^(y^2) erfc y for 0 <= y <= 10.7 (double: 28.4), where erfc has come to its end: t times a
/// polynomial of t = k / (k + y), in which the function is smooth all the way (W. H. Press et al.,
/// Numerical Recipes, 6.2.2). Its variable is 2 t - 1; the large coefficients are positive.
HWY_INLINE Lane scaled_erfc(Lane y) {
  constexpr double few[] = {1.10885856265216914e-4,  -1.65258382028222889e-4,
                            -1.02688615487840238e-3, -4.05819042042301989e-4,
                            8.94598610328956087e-3,  3.98423326089423510e-2,
                            1.03488816425526059e-1,  1.96742820396019234e-1,
                            2.94464821951792855e-1,  3.58002301868496804e-1};
  constexpr double many[] = {
      2.30784091267242089e-10,  1.47836182666395288e-10, -3.80158521299418887e-9,
      -8.19550039297568410e-10, 3.09724983705529230e-8,  1.97246579291675365e-8,
      -2.11543993962718898e-7,  -3.56701710575891546e-7, 1.17363478701948598e-6,
      4.71553184357364815e-6,   -9.08815964164644342e-7, -4.42032979789786663e-5,
      -1.13763163415936715e-4,  7.02397341215037719e-5,  1.52801391262230567e-3,
      6.59251333303420308e-3,   1.90953787274433550e-2,  4.35027343101146063e-2,
      8.27128969694981780e-2,   1.35213457828304897e-1,  1.93302175566309345e-1,
      2.44137182270220533e-1,   2.73998915250122780e-1};
  const Lane k = lanes(single ? 3 : 4), t = quotient(k, k + y),
             u = hn::MulSub(lanes(2), t, lanes(1));
  if constexpr (single)
    return t * polynomial(u, few);
  else
    return t * polynomial(u, many);
}

/// x^2 less its rounded value `square`.
HWY_INLINE Lane rest_of_square(Lane x, Lane square) {
#if HWY_NATIVE_FMA
  return hn::MulSub(x, x, square);
#else
  const hn::RebindToUnsigned<Tag> bits;
  using Bits = hn::TFromD<decltype(bits)>;
  // x = high + low with half of the digits each, so that the products are exact.
  const Lane high = hn::BitCast(
      Tag(), hn::And(hn::BitCast(bits, x),
                     hn::Set(bits, static_cast<Bits>(~((Bits(1) << (single ? 12 : 27)) - 1)))));
  const Lane low = x - high;
  return (high * high - square) + lanes(2) * high * low + low * low;
#endif
}

/// e^(-factor x^2), the factor a power of two. The rounding error of x^2 is made up for: it would
/// cost x^2 units in the last place.
HWY_INLINE Lane exp_of_square(Lane x, double factor) {
  const Lane square = x * x;
  const ReducedExp e = reduce_exp(larger(lanes(single ? -105 : -746), lanes(-factor) * square));
  const Lane r = hn::NegMulAdd(lanes(factor), rest_of_square(x, square), e.r);
  return scaled(hn::MulAdd(hn::MulAdd(exp_series(r), r, lanes(1)), r, lanes(1)), e.n);
}

constexpr double erf_near_0 = 0.5;

/// erf x, within 5 units in the last place.
HWY_INLINE Lane erf(Lane x) {
  const Lane y = smaller(lanes(6), hn::Abs(x));
  const Lane beyond = lanes(1) - exp_of_square(y, 1) * scaled_erfc(y);
  return hn::IfThenElse(hn::Lt(y, lanes(erf_near_0)), erf_near(x), hn::CopySign(beyond, x));
}

/// The standard normal distribution at a place: the probability of what lies below it, and the
/// density.
struct Normal {
  Lane below, density;
};

/// The probability, erfc(-x / sqrt 2) / 2, within 10 units in the last place, also far below 0. The
/// density, e^(-x^2 / 2) / sqrt(2 pi), within 3 from -15 to 10 (double: from -40), and beyond what
/// it is there, which is nothing beside the probability or 0.
HWY_INLINE Normal normal(Lane x) {
  x = larger(lanes(single ? -15 : -40), smaller(lanes(10), x));
  const Lane scaled = x * lanes(0.70710678118654752440), y = hn::Abs(scaled),
             power = exp_of_square(x, 0.5);
  const Lane tail = lanes(0.5) * power * scaled_erfc(y);
  const Lane near = hn::MulAdd(lanes(0.5), erf_near(scaled), lanes(0.5));
  const Lane below = hn::IfThenElse(hn::Lt(y, lanes(erf_near_0)), near,
                                    hn::IfThenElse(hn::Lt(x, lanes(0)), tail, lanes(1) - tail));
  return {below, lanes(0.39894228040143267794) * power};
}

/// x times the probability of what lies below x in the standard normal distribution; within 10
/// units in the last place where the probability is not subnormal.
HWY_INLINE Lane gelu(Lane x) { return larger(lanes(-50), x) * normal(x).below; }

/// ln(1 + e^x) as max(x, 0) + ln(1 + e^-|x|), where no exponent is positive; within 4 units in the
/// last place.
HWY_INLINE Lane softplus(Lane x) { return larger(lanes(0), x) + log1p(exp(hn::Neg(hn::Abs(x)))); }

/// 1 / sqrt x, within 1.5 units in the last place.
HWY_INLINE Lane rsqrt(Lane x) { return lanes(1) / hn::Sqrt(x); }

/// A function of period 2 pi: `near` is good up to 39000, where x less its multiple of pi is still
/// exact enough; beyond, and for NaN, the C library's, one lane after the other.
template <class Near, class Any>
HWY_INLINE Lane periodic(Lane x, const Near& near, const Any& any) {
  const auto in_range = hn::Le(hn::Abs(x), lanes(39000));
  const Lane y = near(hn::IfThenElseZero(in_range, x));
  return hn::AllTrue(Tag(), in_range) ? y : hn::IfThenElse(in_range, y, each(x, any));
}

/// sin x and cos x, within 3 units in the last place, exact at 0; NaN of an infinity.
HWY_INLINE Lane sin(Lane x) {
  const Lane y = periodic(
      x, [](Lane v) HWY_ATTR { return hn::Sin(Tag(), v); }, [](real v) { return std::sin(v); });
  return hn::IfThenElse(hn::Eq(x, lanes(0)), x, y);
}
HWY_INLINE Lane cos(Lane x) {
  const Lane y = periodic(
      x, [](Lane v) HWY_ATTR { return hn::Cos(Tag(), v); }, [](real v) { return std::cos(v); });
  return hn::IfThenElse(hn::Eq(x, lanes(0)), lanes(1), y);
}

/// The sum of all lanes.
HWY_INLINE real sum(Lane x) { return hn::GetLane(hn::SumOfLanes(Tag(), x)); }

/// The first `n` numbers at `p`, `filler` in the other lanes; nothing else is touched. For the tail
/// of a loop: tails go through the same vector operations as everything else, so an element's bits
/// do not depend on where it stands.
HWY_INLINE Lane load_some(const real* p, Index n, real filler = 0) {
// Below AVX3 a load under a mask may fault, on some processors, for what the mask leaves out.
#if HWY_TARGET <= HWY_AVX3
  const auto first = hn::FirstN(Tag(), static_cast<std::size_t>(n));
  return hn::IfThenElse(first, hn::MaskedLoad(first, Tag(), p), hn::Set(Tag(), filler));
#else
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  hn::Store(hn::Set(Tag(), filler), Tag(), values);
  for (Index i = 0; i < n; ++i) values[i] = p[i];
  return hn::Load(Tag(), values);
#endif
}

/// Writes the first `n` lanes.
HWY_INLINE void store_some(Lane x, real* p, Index n) {
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(x, hn::FirstN(Tag(), static_cast<std::size_t>(n)), Tag(), p);
#else
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  hn::Store(x, Tag(), values);
  for (Index i = 0; i < n; ++i) p[i] = values[i];
#endif
}

/// The first `n` numbers at `p`, or a whole vector of them.
HWY_INLINE Lane load(const real* p, Index n) {
  return n == static_cast<Index>(hn::Lanes(Tag())) ? hn::LoadU(Tag(), p) : load_some(p, n);
}

HWY_INLINE void store(Lane x, real* p, Index n) {
  if (n == static_cast<Index>(hn::Lanes(Tag())))
    hn::StoreU(x, Tag(), p);
  else
    store_some(x, p, n);
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
