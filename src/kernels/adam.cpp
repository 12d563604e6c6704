#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/adam.hpp"
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

HWY_INLINE Lane all(real value) { return hn::Set(Tag(), value); }

HWY_INLINE void update(const AdamStep& step, Lane gradient, Lane& parameter, Lane& mean, Lane& variance) {
  const Lane g = hn::MulAdd(all(step.l2), parameter, gradient);
  mean = hn::MulAdd(g - mean, all(step.one_minus_beta_1), mean);
  variance = hn::MulAdd(hn::MulSub(g, g, variance), all(step.one_minus_beta_2), variance);
  const Lane scale = hn::MulAdd(all(step.root_scale), hn::Sqrt(variance), all(step.epsilon));
  parameter = hn::NegMulAdd(all(step.rate), mean / scale, all(step.keep) * parameter);
}

void adam_piece(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance, Index n) {
  for_lanes(
      n,
      [&](Index i) HWY_ATTR {
        Lane p = hn::LoadU(Tag(), parameter + i), m = hn::LoadU(Tag(), mean + i), v = hn::LoadU(Tag(), variance + i);
        update(step, gradient ? hn::LoadU(Tag(), gradient + i) : hn::Zero(Tag()), p, m, v);
        hn::StoreU(p, Tag(), parameter + i);
        hn::StoreU(m, Tag(), mean + i);
        hn::StoreU(v, Tag(), variance + i);
      },
      [&](Index i, Index k) HWY_ATTR {
        Lane p = load_some(parameter + i, k), m = load_some(mean + i, k), v = load_some(variance + i, k);
        update(step, gradient ? load_some(gradient + i, k) : hn::Zero(Tag()), p, m, v);
        store_some(p, parameter + i, k);
        store_some(m, mean + i, k);
        store_some(v, variance + i, k);
      });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

void adam(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance, Index n) {
  const auto piece = FOVEA_BEST(adam_piece);
  parallel::for_range(n, parallel::worth_a_task / 4, [&](Index begin, Index end) {
    piece(step, gradient ? gradient + begin : nullptr, parameter + begin, mean + begin, variance + begin, end - begin);
  });
}

}  // namespace fovea::kernels
#endif
