// Functions of one element: each a value and a slope over lanes (kernels/elementwise-inl.hpp), and
// the op that maps it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/unary.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace HWY_NAMESPACE {

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

struct Expm1 : Unary<Expm1> {
  static HWY_INLINE Lane value(Lane x) { return math::expm1(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return y + lanes(1); }
};

struct Log1p : Unary<Log1p> {
  static HWY_INLINE Lane value(Lane x) { return math::log1p(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return lanes(1) / (lanes(1) + x); }
};

struct Sign : Unary<Sign> {
  static HWY_INLINE Lane value(Lane x) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, lanes(0)), hn::Lt(x, lanes(0))),
                          hn::CopySign(lanes(1), x), x);
  }
  static HWY_INLINE Lane slope_from_output(Lane y) { return math::slope_unless_nan(y, lanes(0)); }
};

struct Abs : Unary<Abs> {
  static HWY_INLINE Lane value(Lane x) { return hn::Abs(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return Sign::value(x); }
};

struct Square : Unary<Square> {
  static HWY_INLINE Lane value(Lane x) { return x * x; }
  static HWY_INLINE Lane slope_from_input(Lane x) { return x + x; }
};

struct Sqrt : Unary<Sqrt> {
  static HWY_INLINE Lane value(Lane x) { return hn::Sqrt(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return lanes(0.5) / y; }
};

struct Rsqrt : Unary<Rsqrt> {
  static HWY_INLINE Lane value(Lane x) { return math::rsqrt(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return lanes(-0.5) * y * y * y; }
};

// The root of a sum of squares: where it is 0, so are they, and their slopes.
struct RootOfSquares : Unary<RootOfSquares> {
  static HWY_INLINE Lane value(Lane x) { return hn::Sqrt(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) {
    return hn::IfThenZeroElse(hn::Eq(y, lanes(0)),
                              lanes(0.5) / hn::IfThenElse(hn::Eq(y, lanes(0)), lanes(1), y));
  }
};

// What was chosen by its size, where it has come to.
struct Chosen : Unary<Chosen> {
  static HWY_INLINE Lane value(Lane x) { return x; }
  static HWY_INLINE Lane slope_from_output(Lane y) { return math::slope_unless_nan(y, lanes(1)); }
};

struct Floor : Unary<Floor> {
  static HWY_INLINE Lane value(Lane x) { return hn::Floor(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return math::slope_unless_nan(y, lanes(0)); }
};

struct Round : Unary<Round> {
  static HWY_INLINE Lane value(Lane x) { return hn::Round(x); }
  static HWY_INLINE Lane slope_from_output(Lane y) { return math::slope_unless_nan(y, lanes(0)); }
};

struct Sin : Unary<Sin> {
  static HWY_INLINE Lane value(Lane x) { return math::sin(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return math::cos(x); }
};

struct Cos : Unary<Cos> {
  static HWY_INLINE Lane value(Lane x) { return math::cos(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return hn::Neg(math::sin(x)); }
};

struct Erf : Unary<Erf> {
  static HWY_INLINE Lane value(Lane x) { return math::erf(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) {
    return lanes(1.1283791670955125739) * math::exp(hn::Neg(x * x));
  }  // 2 / sqrt pi
};

struct Pow : Unary<Pow> {
  static HWY_INLINE Lane value(Lane x, Scalars exponent) { return math::pow(x, exponent.a); }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars exponent) {
    if (exponent.a == 0) return lanes(0);
    return hn::Set(math::Tag(), exponent.a) * math::pow(x, exponent.a - 1);
  }
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
  static HWY_INLINE Lane value(Lane x) {
    return hn::IfThenZeroElse(hn::Le(x, lanes(0)), x);
  }  // a NaN is not <= 0, and stays
  static HWY_INLINE Lane slope_from_output(Lane y) {
    return hn::IfThenElse(hn::Gt(y, lanes(0)), lanes(1), y);
  }  // 0, or NaN
};

struct Clip : Unary<Clip> {
  static HWY_INLINE Lane value(Lane x, Scalars bounds) {
    const Lane low = hn::Set(math::Tag(), bounds.a), high = hn::Set(math::Tag(), bounds.b);
    return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
  }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars bounds) {
    const auto inside = hn::And(hn::Ge(x, hn::Set(math::Tag(), bounds.a)),
                                hn::Le(x, hn::Set(math::Tag(), bounds.b)));
    return math::slope_unless_nan(x, hn::IfThenElseZero(inside, lanes(1)));
  }
};

}}}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/map.hpp"
#include "ops/unary.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor negative(const Tensor& x) { return ops::map("negative", x, FOVEA_UNARY(Negative)); }
Tensor exp(const Tensor& x) { return ops::map("exp", x, FOVEA_UNARY(Exp)); }
Tensor log(const Tensor& x) { return ops::map("log", x, FOVEA_UNARY(Log)); }
Tensor expm1(const Tensor& x) { return ops::map("expm1", x, FOVEA_UNARY(Expm1)); }
Tensor log1p(const Tensor& x) { return ops::map("log1p", x, FOVEA_UNARY(Log1p)); }
Tensor abs(const Tensor& x) { return ops::map("abs", x, FOVEA_UNARY(Abs)); }
Tensor sign(const Tensor& x) { return ops::map("sign", x, FOVEA_UNARY(Sign)); }
Tensor square(const Tensor& x) { return ops::map("square", x, FOVEA_UNARY(Square)); }
Tensor sqrt(const Tensor& x) { return ops::map("sqrt", x, FOVEA_UNARY(Sqrt)); }
Tensor rsqrt(const Tensor& x) { return ops::map("rsqrt", x, FOVEA_UNARY(Rsqrt)); }
Tensor floor(const Tensor& x) { return ops::map("floor", x, FOVEA_UNARY(Floor)); }
Tensor round(const Tensor& x) { return ops::map("round", x, FOVEA_UNARY(Round)); }
Tensor sin(const Tensor& x) { return ops::map("sin", x, FOVEA_UNARY(Sin)); }
Tensor cos(const Tensor& x) { return ops::map("cos", x, FOVEA_UNARY(Cos)); }
Tensor erf(const Tensor& x) { return ops::map("erf", x, FOVEA_UNARY(Erf)); }
Tensor pow(const Tensor& x, real exponent) {
  return ops::map("pow", x, FOVEA_UNARY(Pow), {exponent});
}
Tensor tanh(const Tensor& x) { return ops::map("tanh", x, FOVEA_UNARY(Tanh)); }
Tensor sigmoid(const Tensor& x) { return ops::map("sigmoid", x, FOVEA_UNARY(Sigmoid)); }
Tensor relu(const Tensor& x) { return ops::map("relu", x, FOVEA_UNARY(Relu)); }

std::optional<kernels::UnaryKernel> ops::kernel_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return FOVEA_UNARY(Relu);
    case Activation::sigmoid:
      return FOVEA_UNARY(Sigmoid);
    case Activation::tanh:
      return FOVEA_UNARY(Tanh);
    default:
      return std::nullopt;
  }
}

Tensor clip(const Tensor& x, real low, real high) {
  if (!(low <= high))
    throw ValueError(
        fmt::format("clip: low is {}, high is {}; low must not be above high", low, high));
  return ops::map("clip", x, FOVEA_UNARY(Clip), {low, high});
}

Tensor norm(const Tensor& x, const Axes& axes, KeepDims keepdims) {
  return ops::root_of_squares("norm", sum(square(x), axes, keepdims));
}

Tensor ops::root_of_squares(const char* name, const Tensor& x) {
  return map(name, x, FOVEA_UNARY(RootOfSquares));
}
Tensor ops::chosen(const char* name, const Tensor& x) { return map(name, x, FOVEA_UNARY(Chosen)); }

}}  // namespace fovea
#endif
