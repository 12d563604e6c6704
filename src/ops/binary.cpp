// Functions of two elements, broadcast: each a value and two slopes over lanes, and the op that
// zips it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/binary.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace HWY_NAMESPACE {

namespace math = kernels::HWY_NAMESPACE;
namespace hn = hwy::HWY_NAMESPACE;
using math::Binary;
using math::Lane;
using math::lanes;

struct Add : Binary<Add> {
  static HWY_INLINE Lane value(Lane a, Lane b) { return a + b; }
  static HWY_INLINE Lane slope_a(Lane, Lane) { return lanes(1); }
  static HWY_INLINE Lane slope_b(Lane, Lane) { return lanes(1); }
};

struct Subtract : Binary<Subtract> {
  static HWY_INLINE Lane value(Lane a, Lane b) { return a - b; }
  static HWY_INLINE Lane slope_a(Lane, Lane) { return lanes(1); }
  static HWY_INLINE Lane slope_b(Lane, Lane) { return lanes(-1); }
};

struct Multiply : Binary<Multiply> {
  static HWY_INLINE Lane value(Lane a, Lane b) { return a * b; }
  static HWY_INLINE Lane slope_a(Lane, Lane b) { return b; }
  static HWY_INLINE Lane slope_b(Lane a, Lane) { return a; }
};

// a b where b is not 0. What a 0 takes away, infinite or NaN, has no part in the gradient of a; nor
// has a in that of b where dc is 0.
struct MultiplyNoNan : Binary<MultiplyNoNan> {
  static HWY_INLINE Lane or_zero(Lane product, Lane b) {
    return hn::IfThenZeroElse(hn::Eq(b, lanes(0)), product);
  }
  static HWY_INLINE Lane value(Lane a, Lane b) { return or_zero(a * b, b); }
  static HWY_INLINE Lane share_of_a(Lane dc, Lane, Lane b) { return value(dc, b); }
  static HWY_INLINE Lane share_of_b(Lane dc, Lane a, Lane) { return value(a, dc); }
};

struct Divide : Binary<Divide> {
  static HWY_INLINE Lane value(Lane a, Lane b) { return a / b; }
  static HWY_INLINE Lane share_of_a(Lane dc, Lane, Lane b) {
    return dc / b;
  }  // rounded once: the gradient of a mean is dy / n
  static HWY_INLINE Lane slope_b(Lane a, Lane b) { return hn::Neg(a) / (b * b); }
};

// 1 where the comparison holds, 1/2 where a and b are equal, NaN where either is NaN.
template <class Wins>
HWY_INLINE Lane share(Wins wins, Lane a, Lane b) {
  const Lane other = hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), lanes(math::not_a_number),
                                    hn::Zero(math::Tag()));
  return hn::IfThenElse(wins, lanes(1), hn::IfThenElse(hn::Eq(a, b), lanes(0.5), other));
}

struct Minimum : Binary<Minimum> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElse(hn::IsNaN(a), a, math::smaller(a, b));
  }  // a NaN in b is passed
  static HWY_INLINE Lane slope_a(Lane a, Lane b) { return share(hn::Lt(a, b), a, b); }
  static HWY_INLINE Lane slope_b(Lane a, Lane b) { return share(hn::Lt(b, a), a, b); }
};

struct Maximum : Binary<Maximum> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElse(hn::IsNaN(a), a, math::larger(a, b));
  }
  static HWY_INLINE Lane slope_a(Lane a, Lane b) { return share(hn::Gt(a, b), a, b); }
  static HWY_INLINE Lane slope_b(Lane a, Lane b) { return share(hn::Gt(b, a), a, b); }
};

// f(a, b) for one lane after the other: the C library's, where there is no vector version.
template <class F>
HWY_INLINE Lane each(Lane a, Lane b, const F& f) {
  HWY_ALIGN real one[HWY_MAX_BYTES / sizeof(real)], other[HWY_MAX_BYTES / sizeof(real)];
  hn::Store(a, math::Tag(), one);
  hn::Store(b, math::Tag(), other);
  for (std::size_t i = 0; i < hn::Lanes(math::Tag()); ++i) one[i] = f(one[i], other[i]);
  return hn::Load(math::Tag(), one);
}

// What vanishes stays 0, whatever it is multiplied with.
HWY_INLINE Lane zero_or(Lane vanishes, Lane x) {
  return hn::IfThenZeroElse(hn::Eq(vanishes, lanes(0)), x);
}

struct Power : Binary<Power> {
  static HWY_INLINE Lane value(Lane x, Lane exponent) {
    return each(x, exponent, [](real a, real b) { return std::pow(a, b); });
  }
  static HWY_INLINE Lane slope_a(Lane x, Lane exponent) {
    const Lane power = value(x, exponent - lanes(1));
    return zero_or(exponent, zero_or(power, exponent * power));
  }
  static HWY_INLINE Lane slope_b(Lane x, Lane exponent) {
    const Lane power = value(x, exponent), logarithm = math::log(x);
    const auto at_0 = hn::And(hn::Eq(x, lanes(0)), hn::Eq(exponent, lanes(0))),
               below = hn::Lt(x, lanes(0));
    return hn::IfThenElse(below, logarithm,
                          hn::IfThenZeroElse(at_0, zero_or(power, power * logarithm)));
  }
};

// The larger of the two, and what the other adds to it.
struct LogAddExp : Binary<LogAddExp> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    const Lane largest = hn::IfThenElse(hn::IsNaN(a), a, math::larger(a, b)),
               added = math::log1p(math::exp(hn::Neg(hn::Abs(a - b))));
    return largest + hn::IfThenElse(hn::Eq(a, b), lanes(0.69314718055994530942), added);  // ln 2
  }
  static HWY_INLINE Lane slope_a(Lane a, Lane b) {
    return hn::IfThenElse(hn::Eq(a, b), lanes(0.5), math::sigmoid(a - b));
  }
  static HWY_INLINE Lane slope_b(Lane a, Lane b) { return slope_a(b, a); }
};

// Scaled by the larger of the two, so that their squares neither overflow nor vanish.
struct Atan2 : Binary<Atan2> {
  static HWY_INLINE Lane value(Lane y, Lane x) {
    return each(y, x, [](real a, real b) { return std::atan2(a, b); });
  }
  static HWY_INLINE Lane slope_a(Lane y, Lane x) { return scaled(x, y, x); }
  static HWY_INLINE Lane slope_b(Lane y, Lane x) { return scaled(hn::Neg(y), y, x); }
  // of / (x^2 + y^2); 0 at the origin and at infinities.
  static HWY_INLINE Lane scaled(Lane of, Lane y, Lane x) {
    const Lane size = math::larger(hn::Abs(x), hn::Abs(y));
    const auto flat = hn::Or(hn::Eq(size, lanes(0)), hn::Eq(size, lanes(math::infinity)));
    const Lane u = x / size, v = y / size,
               slope = hn::IfThenZeroElse(flat, of / size / (u * u + v * v) / size);
    return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElse(hn::IsNaN(y), y, slope));
  }
};

}}}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "fovea/ops/ops.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// The gradient of a sum is handed on as it is: no rule needs the operands, so none are kept.
Tensor add(const Tensor& a, const Tensor& b) {
  Array c = ops::result_of("add", a.shape(), b.shape());
  ops::zip_into(FOVEA_BINARY(Add), a.value(), b.value(), c);
  return record("add", std::move(c), wrt(a, ops::add_reduced), wrt(b, ops::add_reduced));
}

Tensor subtract(const Tensor& a, const Tensor& b) {
  return ops::zip("subtract", a, b, FOVEA_BINARY(Subtract));
}
Tensor multiply(const Tensor& a, const Tensor& b) {
  return ops::zip("multiply", a, b, FOVEA_BINARY(Multiply));
}
Tensor multiply_no_nan(const Tensor& a, const Tensor& b) {
  return ops::zip("multiply_no_nan", a, b, FOVEA_BINARY(MultiplyNoNan));
}
Tensor divide(const Tensor& a, const Tensor& b) {
  return ops::zip("divide", a, b, FOVEA_BINARY(Divide));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  return ops::zip("minimum", a, b, FOVEA_BINARY(Minimum));
}
Tensor maximum(const Tensor& a, const Tensor& b) {
  return ops::zip("maximum", a, b, FOVEA_BINARY(Maximum));
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  return ops::zip("logaddexp", a, b, FOVEA_BINARY(LogAddExp));
}
Tensor atan2(const Tensor& y, const Tensor& x) {
  return ops::zip("atan2", y, x, FOVEA_BINARY(Atan2));
}
Tensor pow(const Tensor& x, const Tensor& exponent) {
  return ops::zip("pow", x, exponent, FOVEA_BINARY(Power));
}

Tensor scalar(real value) { return Tensor(Array::full(Shape{}, value)); }

}}  // namespace fovea
#endif
