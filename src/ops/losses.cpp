// Losses of numbers and of independent probabilities. Most are compositions; what has a rule of its
// own is an element of one.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/losses.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace HWY_NAMESPACE {

namespace math = kernels::HWY_NAMESPACE;
namespace hn = hwy::HWY_NAMESPACE;
using kernels::Scalars;
using math::Binary;
using math::Lane;
using math::lanes;
using math::Unary;

// -t log s - (1 - t) log(1 - s), s = sigmoid(z), as |z| w + log(1 + e^-|z|), where no exponent is
// positive. w is the part of t on the other side of z: 1 - t where z is above 0, else t; an
// infinite z with none there adds nothing.
struct LogitLoss : Binary<LogitLoss> {
  static HWY_INLINE Lane value(Lane z, Lane t) {
    const Lane size = hn::Abs(z), wrong = hn::IfThenElse(hn::Gt(z, lanes(0)), lanes(1) - t, t);
    return hn::IfThenZeroElse(hn::Eq(wrong, lanes(0)), size * wrong) +
           math::log1p(math::exp(hn::Neg(size)));
  }
  static HWY_INLINE Lane slope_a(Lane z, Lane t) { return math::sigmoid(z) - t; }
  static HWY_INLINE Lane slope_b(Lane z, Lane) { return hn::Neg(z); }
};

// -t log p - (1 - t) log(1 - p)
struct ProbabilityLoss : Binary<ProbabilityLoss> {
  static constexpr real harmless = real(0.5);

  static HWY_INLINE Lane value(Lane p, Lane t) {
    return hn::Neg(t * math::log(p) + (lanes(1) - t) * math::log1p(hn::Neg(p)));
  }
  static HWY_INLINE Lane slope_a(Lane p, Lane t) { return (p - t) / (p * (lanes(1) - p)); }
  static HWY_INLINE Lane slope_b(Lane p, Lane) { return math::log1p(hn::Neg(p)) - math::log(p); }
};

// x^2 / 2 up to delta, a straight line with slope delta beyond.
struct HuberLoss : Unary<HuberLoss> {
  static HWY_INLINE Lane value(Lane x, Scalars delta) {
    const Lane most = hn::Set(math::Tag(), delta.a), size = hn::Abs(x);
    return hn::IfThenElse(hn::Gt(size, most), most * (size - lanes(0.5) * most),
                          lanes(0.5) * x * x);
  }
  static HWY_INLINE Lane slope_from_input(Lane x, Scalars delta) {
    return math::larger(hn::Set(math::Tag(), -delta.a),
                        math::smaller(hn::Set(math::Tag(), delta.a), x));
  }
};

}}}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/losses.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor binary_crossentropy(const Tensor& logits, const Tensor& targets,
                           CrossentropyOptions options) {
  shape::per_sample("binary_crossentropy", logits.shape(), targets.shape());
  ops::check_smoothing("binary_crossentropy", options.label_smoothing);
  return mean(ops::zip("binary_crossentropy", logits,
                       ops::smoothed(targets, options.label_smoothing, 2), FOVEA_BINARY(LogitLoss)),
              -1);
}

Tensor binary_crossentropy_from_probabilities(const Tensor& probabilities, const Tensor& targets,
                                              CrossentropyOptions options) {
  const char* const name = "binary_crossentropy_from_probabilities";
  shape::per_sample(name, probabilities.shape(), targets.shape());
  ops::check_smoothing(name, options.label_smoothing);
  const Tensor wanted = ops::smoothed(targets, options.label_smoothing, 2);
  return mean(ops::zip(name, ops::clipped(probabilities), wanted, FOVEA_BINARY(ProbabilityLoss)),
              -1);
}

Tensor mean_squared_error(const Tensor& predictions, const Tensor& targets) {
  shape::per_sample("mean_squared_error", predictions.shape(), targets.shape());
  return mean(square(predictions - targets), -1);
}

Tensor mean_absolute_error(const Tensor& predictions, const Tensor& targets) {
  shape::per_sample("mean_absolute_error", predictions.shape(), targets.shape());
  return mean(abs(predictions - targets), -1);
}

Tensor huber(const Tensor& predictions, const Tensor& targets, real delta) {
  shape::per_sample("huber", predictions.shape(), targets.shape());
  if (!(delta > 0)) throw ValueError(fmt::format("huber: delta is {}; it must be above 0", delta));
  return mean(ops::map("huber", predictions - targets, FOVEA_UNARY(HuberLoss), {delta}), -1);
}

Tensor kl_divergence(const Tensor& predictions, const Tensor& targets) {
  shape::per_sample("kl_divergence", predictions.shape(), targets.shape());
  const Tensor p = clip(predictions, real(1e-7), 1), t = clip(targets, real(1e-7), 1);
  return sum(t * log(t / p), -1);
}

}}  // namespace fovea
#endif
