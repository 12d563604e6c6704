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

Tensor scalar(real value) { return Tensor(Array::full(Shape{}, value)); }

}}  // namespace fovea
#endif
