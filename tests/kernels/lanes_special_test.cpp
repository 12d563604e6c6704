// The error bounds of erf, the normal distribution, gelu, softplus, rsqrt, sin, cos and pow, as
// lanes_test.cpp has them for the exponential and its kin.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lanes_special_test.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes_points-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

void test_erf(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return erf(v); }, x, y, n);
}
void test_normal_cdf(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return normal(v).below; }, x, y, n);
}
void test_density(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return normal(v).density; }, x, y, n);
}
void test_gelu(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return gelu(v); }, x, y, n);
}
void test_softplus(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return softplus(v); }, x, y, n);
}
void test_rsqrt(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return rsqrt(v); }, x, y, n);
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

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "kernels/lanes_bounds.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

TEST_CASE("erf is within 5 units in the last place, and odd") {
  check_bound("erf", FOVEA_EVERY_VERSION(test_erf), std::erf, -7, 7, 5);
  check_bound("erf", FOVEA_EVERY_VERSION(test_erf), std::erf, -0.6, 0.6, 5);
  check_values("erf", FOVEA_EVERY_VERSION(test_erf),
               {{inf, 1},
                {-inf, -1},
                {missing, missing},
                {0, 0},
                {real(-0.0), real(-0.0)},
                {Limits::max(), 1},
                {Limits::lowest(), -1}});
}

TEST_CASE("the normal distribution is within 10 units in the last place, also far below 0") {
  const auto truth = [](long double x) { return std::erfc(-x * std::sqrt(0.5L)) / 2; };
  check_bound("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf), truth, single ? -15 : -40,
              single ? 6 : 9, 10);
  check_bound("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf), truth, -1, 1, 10);
  check_bound("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf), truth, -3, -0.7, 10);
  check_values("normal_cdf", FOVEA_EVERY_VERSION(test_normal_cdf),
               {{inf, 1}, {-inf, 0}, {missing, missing}, {0, real(0.5)}, {real(-0.0), real(0.5)}});
}

TEST_CASE("the density of the normal distribution is within 3 units in the last place") {
  const auto truth = [](long double x) {
    const long double inside = std::clamp(x, single ? -15.0L : -40.0L, 10.0L);
    return std::exp(-inside * inside / 2) / std::sqrt(2 * std::acos(-1.0L));
  };
  check_bound("density", FOVEA_EVERY_VERSION(test_density), truth, single ? -16 : -41, 11, 3);
  check_values("density", FOVEA_EVERY_VERSION(test_density), {{-inf, 0}, {missing, missing}});
}

TEST_CASE("gelu is within 10 units in the last place where the probability is not subnormal") {
  const auto truth = [](long double x) {
    return std::isinf(x) && x < 0 ? 0 : x * std::erfc(-x * std::sqrt(0.5L)) / 2;
  };
  check_bound("gelu", FOVEA_EVERY_VERSION(test_gelu), truth, single ? -13 : -37, 12, 10,
              single ? real(-13) : real(-37));
  check_bound("gelu", FOVEA_EVERY_VERSION(test_gelu), truth, -3, 1, 10,
              single ? real(-13) : real(-37));
  check_values("gelu", FOVEA_EVERY_VERSION(test_gelu),
               {{inf, inf},
                {-inf, real(-0.0)},
                {missing, missing},
                {0, 0},
                {real(-0.0), real(-0.0)},
                {Limits::max(), Limits::max()},
                {Limits::lowest(), real(-0.0)},
                {-50, real(-0.0)}});
}

TEST_CASE("softplus is within 4 units in the last place") {
  const auto truth = [](long double x) {
    return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x)));
  };
  check_bound("softplus", FOVEA_EVERY_VERSION(test_softplus), truth, single ? -105 : -746,
              single ? 89 : 710, 4);
  check_bound("softplus", FOVEA_EVERY_VERSION(test_softplus), truth, -2, 2, 4);
  check_values("softplus", FOVEA_EVERY_VERSION(test_softplus),
               {{inf, inf}, {-inf, 0}, {missing, missing}});
}

TEST_CASE("rsqrt is within 1.5 units in the last place") {
  check_bound(
      "rsqrt", FOVEA_EVERY_VERSION(test_rsqrt), [](long double x) { return 1 / std::sqrt(x); }, 0,
      4, 1.5);
  check_values("rsqrt", FOVEA_EVERY_VERSION(test_rsqrt),
               {{inf, 0}, {0, inf}, {-1, missing}, {missing, missing}, {4, real(0.5)}});
}

TEST_CASE("sin and cos are within 3 units in the last place, of every number") {
  for (const double reach : {4.0, 1000.0, 39000.0, 1e6}) {
    check_bound("sin", FOVEA_EVERY_VERSION(test_sin), std::sin, -reach, reach, 3);
    check_bound("cos", FOVEA_EVERY_VERSION(test_cos), std::cos, -reach, reach, 3);
  }
  check_values(
      "sin", FOVEA_EVERY_VERSION(test_sin),
      {{inf, missing}, {-inf, missing}, {missing, missing}, {0, 0}, {real(-0.0), real(-0.0)}});
  check_values("cos", FOVEA_EVERY_VERSION(test_cos),
               {{inf, missing}, {-inf, missing}, {missing, missing}, {0, 1}, {real(-0.0), 1}});
}

TEST_CASE("pow is within 1 unit in the last place") {
  check_bound(
      "pow", FOVEA_EVERY_VERSION(test_pow), [](long double x) { return std::pow(x, -1.75L); }, 0, 4,
      1);
  check_values("pow", FOVEA_EVERY_VERSION(test_pow),
               {{inf, 0}, {missing, missing}, {0, inf}, {1, 1}, {-1, missing}});
}

}}}  // namespace fovea::kernels
#endif
