// Activations: functions of one element, as in unary.cpp. Infinities give the limits.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activations.cpp"
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

// x between -bound and bound, for a function that has reached its limits there: infinity times 0 is
// kept out. NaN passes.
HWY_INLINE Lane within(Lane x, double bound) {
  return math::larger(lanes(-bound), math::smaller(lanes(bound), x));
}
HWY_INLINE Lane above(Lane x, double bound) { return math::larger(lanes(bound), x); }

struct LeakyRelu : Unary<LeakyRelu> {
  static HWY_INLINE Lane value(Lane x, Scalars slope) {
    return hn::IfThenElse(hn::Gt(x, lanes(0)), x, hn::Set(math::Tag(), slope.a) * x);
  }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars slope) {
    return hn::IfThenElse(hn::Gt(x, lanes(0)), lanes(1),
                          math::slope_unless_nan(x, hn::Set(math::Tag(), slope.a)));
  }
};

struct Elu : Unary<Elu> {
  static HWY_INLINE Lane value(Lane x, Scalars alpha) {
    return hn::IfThenElse(hn::Gt(x, lanes(0)), x,
                          hn::Set(math::Tag(), alpha.a) * math::expm1(math::smaller(lanes(0), x)));
  }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars alpha) {
    return hn::IfThenElse(hn::Gt(x, lanes(0)), lanes(1),
                          hn::Set(math::Tag(), alpha.a) * math::exp(math::smaller(lanes(0), x)));
  }
};

// x Phi(x); its slope is Phi(x) + x phi(x), phi = e^(-x^2 / 2) / sqrt(2 pi).
struct Gelu : Unary<Gelu> {
  static HWY_INLINE Lane value(Lane x) { return math::gelu(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) {
    const math::Normal normal = math::normal(x);
    return hn::MulAdd(within(x, 50), normal.density, normal.below);
  }
};

// x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3), which is x (1 + tanh u) / 2 without its
// cancellation far below 0.
struct GeluTanh : Unary<GeluTanh> {
  static constexpr double root = 0.79788456080286535588, cubic = 0.044715;

  static HWY_INLINE Lane gate(Lane x) {
    return math::sigmoid(lanes(2 * root) * (x + lanes(cubic) * (x * x * x)));
  }
  static HWY_INLINE Lane value(Lane x) { return above(x, -50) * gate(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) {
    const Lane near = within(x, 50), s = gate(near);
    return s + near * s * (lanes(1) - s) *
                   (lanes(2 * root) * (lanes(1) + lanes(3 * cubic) * (near * near)));
  }
};

// x s, s = sigmoid(x); its slope is s (1 + x (1 - s)).
struct Silu : Unary<Silu> {
  static HWY_INLINE Lane value(Lane x) { return above(x, -1000) * math::sigmoid(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) {
    const Lane near = within(x, 1000), s = math::sigmoid(near);
    return s * (lanes(1) + near * (lanes(1) - s));
  }
};

struct Softplus : Unary<Softplus> {
  static HWY_INLINE Lane value(Lane x) { return math::softplus(x); }
  static HWY_INLINE Lane slope_from_input(Lane x) { return math::sigmoid(x); }
};

}}}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "fovea/ops/ops.hpp"
#include "ops/map.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor leaky_relu(const Tensor& x, real slope) {
  return ops::map("leaky_relu", x, FOVEA_UNARY(LeakyRelu), {slope});
}
Tensor elu(const Tensor& x, real alpha) { return ops::map("elu", x, FOVEA_UNARY(Elu), {alpha}); }
Tensor gelu(const Tensor& x) { return ops::map("gelu", x, FOVEA_UNARY(Gelu)); }
Tensor gelu_tanh(const Tensor& x) { return ops::map("gelu_tanh", x, FOVEA_UNARY(GeluTanh)); }
Tensor silu(const Tensor& x) { return ops::map("silu", x, FOVEA_UNARY(Silu)); }
Tensor softplus(const Tensor& x) { return ops::map("softplus", x, FOVEA_UNARY(Softplus)); }

}}  // namespace fovea
#endif
