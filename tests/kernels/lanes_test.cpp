// The error bounds that src/kernels/lanes-inl.hpp states, against long double over the whole range of a real, on every
// instruction set that was compiled and that the processor has.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lanes_test.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

template <class F>
void map_test_points(const F& f, const real* x, real* y, Index n) {
  for_lanes(
      n, [&](Index i) HWY_ATTR { hn::StoreU(f(hn::LoadU(Tag(), x + i)), Tag(), y + i); },
      [&](Index i, Index k) HWY_ATTR { store_some(f(load_some(x + i, k)), y + i, k); });
}

void test_exp(const real* x, real* y, Index n) {
  map_test_points([](Lane v) HWY_ATTR { return exp(v); }, x, y, n);
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

// What joins lanes: the sum and the largest of x (one vector), and a tail of n numbers loaded and stored.
void test_joins(const real* x, real* y, Index) {
  const Lane v = hn::LoadU(Tag(), x);
  y[0] = sum(v);
  y[1] = maximum(v);
}
void test_tail(const real* x, real* y, Index n) {
  store_some(load_some(x, n, real(7)), y, std::min(n, static_cast<Index>(hn::Lanes(Tag()))));
}

void test_target(const real*, real* y, Index) { *y = static_cast<real>(hn::Lanes(Tag())); }
std::int64_t target_bit() { return HWY_TARGET; }

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "support/generate.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

constexpr bool single = sizeof(real) == 4;
using Function = void (*)(const real*, real*, Index);
using Bits = std::conditional_t<single, std::uint32_t, std::uint64_t>;
using Limits = std::numeric_limits<real>;

// A function as compiled for each instruction set; null where it was not.
#define FOVEA_EVERY_VERSION(FUNCTION) \
  std::vector<Function> { HWY_CHOOSE_TARGET_LIST(FUNCTION), HWY_CHOOSE_FALLBACK(FUNCTION) }

std::vector<std::pair<std::string, Function>> supported(const std::vector<Function>& versions) {
  using TargetBit = std::int64_t (*)();
  const std::vector<TargetBit> bits = {HWY_CHOOSE_TARGET_LIST(target_bit), HWY_CHOOSE_FALLBACK(target_bit)};
  std::vector<std::pair<std::string, Function>> result;
  for (std::size_t i = 0; i < versions.size(); ++i)
    if (versions[i] && bits[i] && (hwy::SupportedTargets() & bits[i]()) != 0) result.emplace_back(hwy::TargetName(bits[i]()), versions[i]);
  return result;
}

// The distance between neighbouring reals at a magnitude.
long double unit(long double truth) {
  const long double magnitude = std::abs(truth);
  if (magnitude < Limits::min()) return Limits::denorm_min();
  if (magnitude > Limits::max()) return std::ldexp(1.0L, Limits::max_exponent - Limits::digits);
  return std::ldexp(1.0L, std::ilogb(magnitude) + 1 - Limits::digits);
}

// The error in units in the last place. Beyond the largest real, infinity is right.
long double error_of(real got, long double truth) {
  if (std::isnan(truth)) return std::isnan(got) ? 0 : Limits::infinity();
  if (std::isnan(got)) return Limits::infinity();
  if (std::isinf(got) && std::abs(truth) >= Limits::max()) return std::signbit(got) == std::signbit(truth) ? 0 : Limits::infinity();
  if (std::isinf(got) || std::isinf(truth)) return static_cast<long double>(got) == truth ? 0 : Limits::infinity();
  return std::abs(static_cast<long double>(got) - truth) / unit(truth);
}

// Reals of every exponent and sign (steps through all bit patterns), evenly spread ones from low to high, and the edges.
std::vector<real> points(double low, double high) {
  support::Generate g("lanes", 0);
  std::vector<real> result;
  constexpr Index count = 300000;
  const Bits step = std::numeric_limits<Bits>::max() / count;
  for (Index i = 0; i < count; ++i)
    result.push_back(std::bit_cast<real>(static_cast<Bits>(static_cast<Bits>(i) * step + static_cast<Bits>(g.bits()) % step)));
  for (Index i = 0; i < count; ++i) result.push_back(static_cast<real>(g.uniform(low, high)));
  for (const double edge : {low, high, 0.0, 1.0, -1.0, 0.5})
    for (const real direction : {-Limits::infinity(), Limits::infinity()}) {
      real x = static_cast<real>(edge);
      for (int i = 0; i < 2000; ++i) {
        result.push_back(x);
        x = std::nextafter(x, direction);
      }
    }
  for (const real x : {Limits::infinity(), Limits::quiet_NaN(), Limits::max(), Limits::min(), Limits::denorm_min(), real(0)}) {
    result.push_back(x);
    result.push_back(-x);
  }
  return result;
}

void check_bound(const char* name, const std::vector<Function>& versions, long double (*truth)(long double), double low, double high,
                 double bound, real exempt_below = -Limits::infinity()) {
  const std::vector<real> x = points(low, high);
  std::vector<long double> expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = truth(x[i]);
  for (const auto& [target, function] : supported(versions)) {
    std::vector<real> y(x.size());
    function(x.data(), y.data(), static_cast<Index>(x.size()));
    std::size_t worst = 0;
    long double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] < exempt_below) continue;
      if (const long double error = error_of(y[i], expected[i]); error > largest) {
        largest = error;
        worst = i;
      }
    }
    INFO(fmt::format("{} on {} at {} is {}, expected {}, FOVEA_SEED={}", name, target, x[worst], y[worst], expected[worst],
                     support::seed()));
    CHECK(static_cast<double>(largest) <= bound);
    std::printf("figure: error of %s on %s = %.3f units in the last place, at %.9g\n", name, target.c_str(), static_cast<double>(largest),
                static_cast<double>(x[worst]));
  }
}

// value(x) for single numbers, on every instruction set.
void check_values(const char* name, const std::vector<Function>& versions, const std::vector<std::pair<real, real>>& pairs) {
  for (const auto& [target, function] : supported(versions))
    for (const auto& [x, expected] : pairs) {
      real y = 0;
      function(&x, &y, 1);
      INFO(fmt::format("{} on {} of {}", name, target, x));
      if (std::isnan(expected)) {
        CHECK(std::isnan(y));
      } else {
        CHECK(y == expected);
        CHECK(std::signbit(y) == std::signbit(expected));
      }
    }
}

const real inf = Limits::infinity(), missing = Limits::quiet_NaN();

}  // namespace

TEST_CASE("exp is within 1.5 units in the last place") {
  check_bound("exp", FOVEA_EVERY_VERSION(test_exp), std::exp, single ? -105 : -746, single ? 89 : 710, 1.5);
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

TEST_CASE("expm1 is within 2.5 units in the last place, also near 0") {
  check_bound("expm1", FOVEA_EVERY_VERSION(test_expm1), std::expm1, single ? -105 : -746, single ? 89 : 710, 2.5);
  check_bound("expm1", FOVEA_EVERY_VERSION(test_expm1), std::expm1, -1, 1, 2.5);
  check_values("expm1", FOVEA_EVERY_VERSION(test_expm1), {{inf, inf}, {-inf, -1}, {missing, missing}, {0, 0}});
}

TEST_CASE("tanh is within 3 units in the last place, and odd") {
  check_bound("tanh", FOVEA_EVERY_VERSION(test_tanh), std::tanh, single ? -10 : -20, single ? 10 : 20, 3);
  check_bound("tanh", FOVEA_EVERY_VERSION(test_tanh), std::tanh, -1, 1, 3);
  check_values("tanh", FOVEA_EVERY_VERSION(test_tanh),
               {{inf, 1}, {-inf, -1}, {missing, missing}, {0, 0}, {real(-0.0), real(-0.0)}, {Limits::denorm_min(), Limits::denorm_min()}});
}

TEST_CASE("sigmoid is within 4 units in the last place where e^-x is finite, and 0 below") {
  check_bound(
      "sigmoid", FOVEA_EVERY_VERSION(test_sigmoid), [](long double x) { return 1 / (1 + std::exp(-x)); }, single ? -90 : -712,
      single ? 30 : 60, 4, static_cast<real>(-std::log(static_cast<long double>(Limits::max()))));
  check_values("sigmoid", FOVEA_EVERY_VERSION(test_sigmoid),
               {{inf, 1}, {-inf, 0}, {missing, missing}, {0, real(0.5)}, {real(-0.0), real(0.5)}, {-1000, 0}, {1000, 1}});
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
  check_values("log1p", FOVEA_EVERY_VERSION(test_log1p),
               {{inf, inf}, {-inf, missing}, {missing, missing}, {0, 0}, {-1, -inf}, {-2, missing}});
}

TEST_CASE("an element's bits do not depend on where it stands: vectors and tails agree") {
  support::Generate g("tails", 0);
  for (const auto& versions :
       {FOVEA_EVERY_VERSION(test_exp), FOVEA_EVERY_VERSION(test_tanh), FOVEA_EVERY_VERSION(test_sigmoid), FOVEA_EVERY_VERSION(test_log)})
    for (const auto& [target, function] : supported(versions)) {
      std::vector<real> x(67), whole(67);
      for (real& value : x) value = static_cast<real>(g.uniform(0.1, 5));
      function(x.data(), whole.data(), 67);
      for (std::size_t i = 0; i < x.size(); ++i) {
        real alone = 0;
        function(&x[i], &alone, 1);
        INFO(target, ", element ", i, ", FOVEA_SEED=", support::seed());
        CHECK(std::bit_cast<Bits>(alone) == std::bit_cast<Bits>(whole[i]));
      }
    }
}

TEST_CASE("sum and maximum join all lanes, and a tail touches its own numbers only") {
  const std::vector<Function> joins = FOVEA_EVERY_VERSION(test_joins), tails = FOVEA_EVERY_VERSION(test_tail),
                              widths = FOVEA_EVERY_VERSION(test_target);
  const auto lanes_of = supported(widths);
  for (std::size_t v = 0; v < lanes_of.size(); ++v) {
    real width = 0;
    lanes_of[v].second(nullptr, &width, 1);
    const auto count = static_cast<std::size_t>(width);
    INFO(lanes_of[v].first, ", ", count, " lanes");
    std::vector<real> x(count), y(2);
    for (std::size_t largest = 0; largest < count; ++largest) {
      for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<real>(i == largest ? 1000 : static_cast<int>(i) - 5);
      supported(joins)[v].second(x.data(), y.data(), 1);
      real total = 0;
      for (const real value : x) total += value;
      CHECK(y[0] == total);  // small integers: exact in any order
      CHECK(y[1] == 1000);
    }
    for (std::size_t n = 1; n < count; ++n) {
      std::vector<real> stored(count, -1);
      supported(tails)[v].second(x.data(), stored.data(), static_cast<Index>(n));
      for (std::size_t i = 0; i < count; ++i) CHECK(stored[i] == (i < n ? x[i] : -1));
    }
  }
}

}  // namespace fovea::kernels
#endif
