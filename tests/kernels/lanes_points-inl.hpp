// What tests of lanes compile for each instruction set: a function of lanes applied to many
// numbers, and which set it is.
#if defined(FOVEA_TESTS_LANES_POINTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_TESTS_LANES_POINTS_INL_HPP
#undef FOVEA_TESTS_LANES_POINTS_INL_HPP
#else
#define FOVEA_TESTS_LANES_POINTS_INL_HPP
#endif

#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

template <class F>
void map_test_points(const F& f, const real* x, real* y, Index n) {
  for_lanes(
      n, [&](Index i) HWY_ATTR { hn::StoreU(f(hn::LoadU(Tag(), x + i)), Tag(), y + i); },
      [&](Index i, Index k) HWY_ATTR { store_some(f(load_some(x + i, k)), y + i, k); });
}

inline std::int64_t target_bit() { return HWY_TARGET; }

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
