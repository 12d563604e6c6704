// Comparisons, whose result is a mask, and masks of masks. Nothing is recorded: there is no
// gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/compare.cpp"
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

// Values only: 1 where the comparison holds, 0 where it does not. A NaN is not equal to anything,
// nor less or greater.
struct Equal : Binary<Equal> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElseZero(hn::Eq(a, b), lanes(1));
  }
};

struct NotEqual : Binary<NotEqual> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenZeroElse(hn::Eq(a, b), lanes(1));
  }
};

struct Less : Binary<Less> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElseZero(hn::Lt(a, b), lanes(1));
  }
};

struct LessEqual : Binary<LessEqual> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElseZero(hn::Le(a, b), lanes(1));
  }
};

struct Greater : Binary<Greater> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElseZero(hn::Gt(a, b), lanes(1));
  }
};

struct GreaterEqual : Binary<GreaterEqual> {
  static HWY_INLINE Lane value(Lane a, Lane b) {
    return hn::IfThenElseZero(hn::Ge(a, b), lanes(1));
  }
};

}}}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "fovea/ops/ops.hpp"
#include "ops/axes.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

Mask compare(const char* name, const Tensor& a, const Tensor& b,
             decltype(kernels::BinaryKernel::values) holds) {
  Array ones(shape::broadcast(name, a.shape(), b.shape()));
  kernels::zip_values({holds, nullptr, nullptr}, a.value().view(), b.value().view(),
                      ones.mutable_view());
  Mask mask(ones.shape());
  std::ranges::transform(ones.values(), mask.mutable_keep().begin(),
                         [](real one) { return static_cast<std::uint8_t>(one != 0); });
  return mask;
}

template <class F>
Mask combine(const char* name, const Mask& a, const Mask& b, const F& f) {
  Mask result(shape::broadcast(name, a.shape(), b.shape()));
  const Mask left = ops::repeated(a, result.shape()), right = ops::repeated(b, result.shape());
  std::ranges::transform(
      left.keep(), right.keep(), result.mutable_keep().begin(),
      [&](std::uint8_t x, std::uint8_t y) { return static_cast<std::uint8_t>(f(x != 0, y != 0)); });
  return result;
}

}  // namespace

Mask equal(const Tensor& a, const Tensor& b) {
  return compare("equal", a, b, FOVEA_BEST(Equal::values));
}
Mask not_equal(const Tensor& a, const Tensor& b) {
  return compare("not_equal", a, b, FOVEA_BEST(NotEqual::values));
}
Mask less(const Tensor& a, const Tensor& b) {
  return compare("less", a, b, FOVEA_BEST(Less::values));
}
Mask less_equal(const Tensor& a, const Tensor& b) {
  return compare("less_equal", a, b, FOVEA_BEST(LessEqual::values));
}
Mask greater(const Tensor& a, const Tensor& b) {
  return compare("greater", a, b, FOVEA_BEST(Greater::values));
}
Mask greater_equal(const Tensor& a, const Tensor& b) {
  return compare("greater_equal", a, b, FOVEA_BEST(GreaterEqual::values));
}

Mask logical_and(const Mask& a, const Mask& b) {
  return combine("logical_and", a, b, [](bool x, bool y) { return x && y; });
}
Mask logical_or(const Mask& a, const Mask& b) {
  return combine("logical_or", a, b, [](bool x, bool y) { return x || y; });
}
Mask logical_not(const Mask& mask) {
  return combine("logical_not", mask, mask, [](bool x, bool) { return !x; });
}

}}  // namespace fovea
#endif
