// The error bounds that src/kernels/lanes-inl.hpp states, against long double over the whole range
// of a real, on every instruction set that was compiled and that the processor has.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lanes_test.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes_points-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

void test_exp(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return exp(v); }, x, y, n);
}
void test_exp_of_negative(const real* x, real* y, Index n) {
  map_test_points(
      [](Lane v)
          HWY_ATTR { return hn::IfThenElse(hn::Gt(v, lanes(0)), exp(v), exp_of_negative(v)); },
      x, y, n);
}
void test_expm1(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return expm1(v); }, x, y, n);
}
void test_tanh(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return tanh(v); }, x, y, n);
}
void test_sigmoid(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return sigmoid(v); }, x, y, n);
}
void test_log(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return log(v); }, x, y, n);
}
void test_log1p(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return log1p(v); }, x, y, n);
}

// The sum of the lanes of x (one vector), and a tail of n numbers loaded and stored.
void test_sum(const real* x, real* y, Index) { *y = sum(hn::LoadU(Tag(), x)); }
void test_tail(const real* x, real* y, Index n) {
  store_some(load_some(x, n, real(7)), y, std::min(n, static_cast<Index>(hn::Lanes(Tag()))));
}

void test_target(const real*, real* y, Index) { *y = static_cast<real>(hn::Lanes(Tag())); }

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <numeric>

#include "kernels/lanes_bounds.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

TEST_CASE("exp is within 1.5 units in the last place") {
  check_bound("exp", FOVEA_EVERY_VERSION(test_exp), std::exp, single ? -105 : -746,
              single ? 89 : 710, 1.5);
  check_values("exp", FOVEA_EVERY_VERSION(test_exp),
               {{inf, inf},
                {-inf, 0},
                {missing, missing},
                {0, 1},
                {real(-0.0), 1},
                {Limits::denorm_min(), 1},
                {Limits::max(), inf},
                {Limits::lowest(), 0}});
}

TEST_CASE(
    "exp of numbers not above 0 is within 1.5 units in the last place, and 0 where it would be "
    "subnormal") {
  const auto truth = [](long double x) -> long double {
    return x < static_cast<long double>(real(single ? -87.3 : -708.3)) ? 0 : std::exp(x);
  };
  check_bound("exp_of_negative", FOVEA_EVERY_VERSION(test_exp_of_negative), truth,
              single ? -90 : -710, 0, 1.5);
  check_values("exp_of_negative", FOVEA_EVERY_VERSION(test_exp_of_negative),
               {{-inf, 0},
                {missing, missing},
                {0, 1},
                {real(-0.0), 1},
                {single ? real(-87.5) : real(-709), 0},
                {Limits::lowest(), 0}});
}

TEST_CASE("expm1 is within 2.5 units in the last place, also near 0") {
  check_bound("expm1", FOVEA_EVERY_VERSION(test_expm1), std::expm1, single ? -105 : -746,
              single ? 89 : 710, 2.5);
  check_bound("expm1", FOVEA_EVERY_VERSION(test_expm1), std::expm1, -1, 1, 2.5);
  check_values("expm1", FOVEA_EVERY_VERSION(test_expm1),
               {{inf, inf}, {-inf, -1}, {missing, missing}, {0, 0}});
}

TEST_CASE("tanh is within 3 units in the last place, and odd") {
  check_bound("tanh", FOVEA_EVERY_VERSION(test_tanh), std::tanh, single ? -10 : -20,
              single ? 10 : 20, 3);
  check_bound("tanh", FOVEA_EVERY_VERSION(test_tanh), std::tanh, -1, 1, 3);
  check_values("tanh", FOVEA_EVERY_VERSION(test_tanh),
               {{inf, 1},
                {-inf, -1},
                {missing, missing},
                {0, 0},
                {real(-0.0), real(-0.0)},
                {Limits::denorm_min(), Limits::denorm_min()}});
}

TEST_CASE("sigmoid is within 4 units in the last place where e^-x is finite, and 0 below") {
  check_bound(
      "sigmoid", FOVEA_EVERY_VERSION(test_sigmoid),
      [](long double x) { return 1 / (1 + std::exp(-x)); }, single ? -90 : -712, single ? 30 : 60,
      4, static_cast<real>(-std::log(static_cast<long double>(Limits::max()))));
  check_values("sigmoid", FOVEA_EVERY_VERSION(test_sigmoid),
               {{inf, 1},
                {-inf, 0},
                {missing, missing},
                {0, real(0.5)},
                {real(-0.0), real(0.5)},
                {-1000, 0},
                {1000, 1}});
}

TEST_CASE("log is within 4 units in the last place, of subnormal numbers too") {
  check_bound("log", FOVEA_EVERY_VERSION(test_log), std::log, 0, 4, 4);
  check_values("log", FOVEA_EVERY_VERSION(test_log),
               {{inf, inf},
                {-inf, missing},
                {missing, missing},
                {0, -inf},
                {real(-0.0), -inf},
                {-1, missing},
                {1, 0},
                {-Limits::denorm_min(), missing}});
}

TEST_CASE("log1p is within 4 units in the last place, also near 0") {
  check_bound("log1p", FOVEA_EVERY_VERSION(test_log1p), std::log1p, -1, 4, 4);
  check_bound("log1p", FOVEA_EVERY_VERSION(test_log1p), std::log1p, -0.01, 0.01, 4);
  check_values(
      "log1p", FOVEA_EVERY_VERSION(test_log1p),
      {{inf, inf}, {-inf, missing}, {missing, missing}, {0, 0}, {-1, -inf}, {-2, missing}});
}

TEST_CASE("an element's bits do not depend on where it stands: vectors and tails agree") {
  support::Generate g("tails", 0);
  for (const auto& versions : {FOVEA_EVERY_VERSION(test_exp), FOVEA_EVERY_VERSION(test_tanh),
                               FOVEA_EVERY_VERSION(test_sigmoid), FOVEA_EVERY_VERSION(test_log)})
    for (const Version& version : supported(versions)) {
      std::vector<real> x(67), whole(67);
      for (real& value : x) value = static_cast<real>(g.uniform(0.1, 5));
      version.function(x.data(), whole.data(), 67);
      for (std::size_t i = 0; i < x.size(); ++i) {
        real alone = 0;
        version.function(&x[i], &alone, 1);
        INFO(version.target, ", element ", i, ", FOVEA_SEED=", support::seed());
        CHECK(std::bit_cast<Bits>(alone) == std::bit_cast<Bits>(whole[i]));
      }
    }
}

TEST_CASE("a sum has all lanes, and a tail touches its own numbers only") {
  const std::vector<Function> sums = FOVEA_EVERY_VERSION(test_sum),
                              tails = FOVEA_EVERY_VERSION(test_tail),
                              widths = FOVEA_EVERY_VERSION(test_target);
  const auto lanes_of = supported(widths);
  for (std::size_t v = 0; v < lanes_of.size(); ++v) {
    real width = 0;
    lanes_of[v].function(nullptr, &width, 1);
    const auto count = static_cast<std::size_t>(width);
    INFO(lanes_of[v].target, ", ", count, " lanes");
    std::vector<real> x(count);
    for (std::size_t large = 0; large < count; ++large) {
      for (std::size_t i = 0; i < count; ++i)
        x[i] = static_cast<real>(i == large ? 1000 : static_cast<int>(i) - 5);
      real sum = 0;
      supported(sums)[v].function(x.data(), &sum, 1);
      CHECK(sum ==
            std::accumulate(x.begin(), x.end(), real(0)));  // small integers: exact in any order
    }
    for (std::size_t n = 1; n < count; ++n) {
      std::vector<real> stored(count, -1);
      supported(tails)[v].function(x.data(), stored.data(), static_cast<Index>(n));
      for (std::size_t i = 0; i < count; ++i) CHECK(stored[i] == (i < n ? x[i] : -1));
    }
  }
}

}}}  // namespace fovea::kernels
#endif
