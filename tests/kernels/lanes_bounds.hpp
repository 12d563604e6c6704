// Error bounds of vector functions against long double over the whole range of a real, on every
// instruction set that was compiled and that the processor has. To be included where a test of
// lanes is compiled once (#if HWY_ONCE), after lanes_points-inl.hpp.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "support/generate.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace {

constexpr bool single = sizeof(real) == 4;
using Function = void (*)(const real*, real*, Index);
using Bits = std::conditional_t<single, std::uint32_t, std::uint64_t>;
using Limits = std::numeric_limits<real>;

// A function as compiled for each instruction set; null where it was not.
#define FOVEA_EVERY_VERSION(FUNCTION) \
  std::vector<Function> { HWY_CHOOSE_TARGET_LIST(FUNCTION), HWY_CHOOSE_FALLBACK(FUNCTION) }

struct Version {
  std::string target;
  Function function;
};

std::vector<Version> supported(const std::vector<Function>& versions) {
  using TargetBit = std::int64_t (*)();
  const std::vector<TargetBit> bits = {HWY_CHOOSE_TARGET_LIST(target_bit),
                                       HWY_CHOOSE_FALLBACK(target_bit)};
  std::vector<Version> result;
  for (std::size_t i = 0; i < versions.size(); ++i)
    if (versions[i] && bits[i] && (hwy::SupportedTargets() & bits[i]()) != 0)
      result.push_back({hwy::TargetName(bits[i]()), versions[i]});
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
  if (std::isinf(got) && std::abs(truth) >= Limits::max())
    return std::signbit(got) == std::signbit(truth) ? 0 : Limits::infinity();
  if (std::isinf(got) || std::isinf(truth))
    return static_cast<long double>(got) == truth ? 0 : Limits::infinity();
  return std::abs(static_cast<long double>(got) - truth) / unit(truth);
}

// Reals of every exponent and sign (steps through all bit patterns), evenly spread ones from low to
// high, and the edges.
std::vector<real> points(double low, double high) {
  support::Generate g("lanes", 0);
  std::vector<real> result;
  constexpr Index count = 300000;
  const Bits step = std::numeric_limits<Bits>::max() / count;
  for (Index i = 0; i < count; ++i)
    result.push_back(std::bit_cast<real>(
        static_cast<Bits>(static_cast<Bits>(i) * step + static_cast<Bits>(g.bits()) % step)));
  for (Index i = 0; i < count; ++i) result.push_back(static_cast<real>(g.uniform(low, high)));
  for (const double edge : {low, high, 0.0, 1.0, -1.0, 0.5})
    for (const real direction : {-Limits::infinity(), Limits::infinity()}) {
      real x = static_cast<real>(edge);
      for (int i = 0; i < 2000; ++i) {
        result.push_back(x);
        x = std::nextafter(x, direction);
      }
    }
  for (const real x : {Limits::infinity(), Limits::quiet_NaN(), Limits::max(), Limits::min(),
                       Limits::denorm_min(), real(0)}) {
    result.push_back(x);
    result.push_back(-x);
  }
  return result;
}

void check_bound(const char* name, const std::vector<Function>& versions,
                 long double (*truth)(long double), double low, double high, double bound,
                 real exempt_below = -Limits::infinity()) {
  const std::vector<real> x = points(low, high);
  std::vector<long double> expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = truth(x[i]);
  for (const Version& version : supported(versions)) {
    std::vector<real> y(x.size());
    version.function(x.data(), y.data(), static_cast<Index>(x.size()));
    std::size_t worst = 0;
    long double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] < exempt_below) continue;
      if (const long double error = error_of(y[i], expected[i]); error > largest) {
        largest = error;
        worst = i;
      }
    }
    INFO(fmt::format("{} on {} at {} is {}, expected {}, FOVEA_SEED={}", name, version.target,
                     x[worst], y[worst], expected[worst], support::seed()));
    CHECK(static_cast<double>(largest) <= bound);
    std::printf("figure: error of %s on %s = %.3f units in the last place, at %.9g\n", name,
                version.target.c_str(), static_cast<double>(largest),
                static_cast<double>(x[worst]));
  }
}

// value(x) for single numbers, on every instruction set.
void check_values(const char* name, const std::vector<Function>& versions,
                  const std::vector<std::pair<real, real>>& pairs) {
  for (const Version& version : supported(versions))
    for (const auto& pair : pairs) {
      const real x = pair.first, expected = pair.second;
      real y = 0;
      version.function(&x, &y, 1);
      INFO(fmt::format("{} on {} of {}", name, version.target, x));
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

}}}  // namespace fovea::kernels
