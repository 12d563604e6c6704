// The error bounds of erf, the normal distribution, sin, cos and pow, as lanes_test.cpp has them for the exponential and its kin.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lanes_special_test.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes_points-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

void test_erf(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return erf(v); }, x, y, n);
}
void test_normal_cdf(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return normal_cdf(v); }, x, y, n);
}
void test_sin(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return sin(v); }, x, y, n);
}
void test_cos(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return cos(v); }, x, y, n);
}
void test_pow(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return pow(v, real(-1.75)); }, x, y, n);
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/lanes_bounds.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

TEST_CASE("erf is within 5 units in the last place, and odd") {
  check_bound("erf", FOVEA_EVERY_VERSION(test_erf), std::erf, -7, 7, 5);
  check_bound("erf", FOVEA_EVERY_VERSION(test_erf), std::erf, -0.6, 0.6, 5);
  check_values("erf", FOVEA_EVERY_VERSION(test_erf),
               {{inf, 1}, {-inf, -1}, {missing, missing}, {0, 0}, {real(-0.0), real(-0.0)}, {Limits::max(), 1}, {Limits::lowest(), -1}});
}

TEST_CASE("the normal distribution is within 8 units in the last place, also far below 0") {
  const auto truth = [](long double x) { return std::erfc(-x * std::sqrt(0.5L)) / 2; };
  check_bound("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf), truth, single ? -15 : -40, single ? 6 : 9, 8);
  check_bound("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf), truth, -1, 1, 8);
  check_values("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf),
               {{inf, 1}, {-inf, 0}, {missing, missing}, {0, real(0.5)}, {real(-0.0), real(0.5)}});
}

TEST_CASE("sin and cos are within 3 units in the last place, of every number") {
  for (const double reach : {4.0, 1000.0, 39000.0, 1e6}) {
    check_bound("sin", FOVEA_EVERY_VERSION(test_sin), std::sin, -reach, reach, 3);
    check_bound("cos", FOVEA_EVERY_VERSION(test_cos), std::cos, -reach, reach, 3);
  }
  check_values("sin", FOVEA_EVERY_VERSION(test_sin),
               {{inf, missing}, {-inf, missing}, {missing, missing}, {0, 0}, {real(-0.0), real(-0.0)}});
  check_values("cos", FOVEA_EVERY_VERSION(test_cos), {{inf, missing}, {-inf, missing}, {missing, missing}, {0, 1}, {real(-0.0), 1}});
}

TEST_CASE("pow is within 1 unit in the last place") {
  check_bound(
      "pow", FOVEA_EVERY_VERSION(test_pow), [](long double x) { return std::pow(x, -1.75L); }, 0, 4, 1);
  check_values("pow", FOVEA_EVERY_VERSION(test_pow), {{inf, 0}, {missing, missing}, {0, inf}, {1, 1}, {-1, missing}});
}

}  // namespace fovea::kernels
#endif
