// Functions of one element: each a value and a slope over lanes (kernels/elementwise-inl.hpp), and the op that maps it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/unary.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::HWY_NAMESPACE {

namespace math = kernels::HWY_NAMESPACE;
namespace hn = hwy::HWY_NAMESPACE;
using kernels::Scalars;
using math::Lane;
using math::lanes;
using math::Unary;

struct Negative : Unary<Negative> {
  static HWY_INLINE Lane value(Lane x) { return hn::Neg(x); }
  static HWY_INLINE Lane slope_from_output(Lane) { return lanes(-1); }
};

struct Exp : Unary<Exp> {
  static HWY_INLINE Lane value(Lane x) { return math::exp(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return y; }
};

struct Log : Unary<Log> {
  static HWY_INLINE Lane value(Lane x) { return math::log(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return lanes(1) / x; }
};

struct Tanh : Unary<Tanh> {
  static HWY_INLINE Lane value(Lane x) { return math::tanh(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return lanes(1) - y * y; }
};

struct Sigmoid : Unary<Sigmoid> {
  static HWY_INLINE Lane value(Lane x) { return math::sigmoid(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return y * (lanes(1) - y); }
};

struct Relu : Unary<Relu> {
  static HWY_INLINE Lane value(Lane x) { return hn::IfThenZeroElse(hn::Le(x, lanes(0)), x); }  // a NaN is not <= 0, and stays
  static HWY_INLINE Lane slope_from_output(Lane y) { return hn::IfThenElseZero(hn::Gt(y, lanes(0)), lanes(1)); }
};

struct Clip : Unary<Clip> {
  static HWY_INLINE Lane value(Lane x, Scalars bounds) {
    const Lane low = hn::Set(math::Tag(), bounds.a), high = hn::Set(math::Tag(), bounds.b);
    return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
  }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars bounds) {
    const auto inside = hn::And(hn::Ge(x, hn::Set(math::Tag(), bounds.a)), hn::Le(x, hn::Set(math::Tag(), bounds.b)));
    return hn::IfThenElseZero(inside, lanes(1));
  }
};

}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/map.hpp"

namespace fovea::inline FOVEA_PRECISION {

Tensor neg(const Tensor& x) { return ops::map("neg", x, FOVEA_UNARY(Negative)); }
Tensor exp(const Tensor& x) { return ops::map("exp", x, FOVEA_UNARY(Exp)); }
Tensor log(const Tensor& x) { return ops::map("log", x, FOVEA_UNARY(Log)); }
Tensor tanh(const Tensor& x) { return ops::map("tanh", x, FOVEA_UNARY(Tanh)); }
Tensor sigmoid(const Tensor& x) { return ops::map("sigmoid", x, FOVEA_UNARY(Sigmoid)); }
Tensor relu(const Tensor& x) { return ops::map("relu", x, FOVEA_UNARY(Relu)); }

Tensor clip(const Tensor& x, real low, real high) {
  if (!(low <= high)) throw ValueError(fmt::format("clip: low is {}, high is {}; low must not be above high", low, high));
  return ops::map("clip", x, FOVEA_UNARY(Clip), {low, high});
}

}  // namespace fovea
#endif
