// Sums of doubles that do not depend on the order.
#include "fovea/train/metrics/exact_sum.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

ExactSum sum_of(std::span<const double> values) {
  ExactSum sum;
  for (const double value : values) sum += value;
  return sum;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

// A double of any exponent in a range that is drawn as well.
double any(support::Generate& g, int spread) {
  return std::ldexp(g.uniform(-1, 1), static_cast<int>(g.integer(-spread, spread)));
}

}  // namespace

TEST_CASE("an exact sum is the same bits for any order and any cut") {
  for (Index trial = 0; trial < 300; ++trial) {
    support::Generate g("exact sums", trial);
    const int spread = static_cast<int>(g.integer(0, trial % 2 == 0 ? 30 : 1020));
    std::vector<double> values;
    for (Index i = g.integer(1, 60); i > 0; --i) values.push_back(any(g, spread));
    for (Index i = g.integer(0, 20); i > 0; --i)
      values.push_back(-values[static_cast<std::size_t>(g.bits() % values.size())]);
    const double whole = sum_of(values).value();
    g.shuffle(values);
    CHECK(bits(sum_of(values).value()) == bits(whole));
    ExactSum merged;
    for (std::size_t begin = 0; begin < values.size();) {
      const auto size = std::min(values.size() - begin, static_cast<std::size_t>(g.integer(1, 9)));
      ExactSum part = sum_of(std::span(values).subspan(begin, size));
      if (g.chance(0.5)) {
        part += merged;
        merged = part;
      } else {
        merged += part;
      }
      ExactSum again;
      again.set_values(merged.values());
      CHECK(bits(again.value()) == bits(merged.value()));
      merged = again;
      begin += size;
    }
    CHECK(bits(merged.value()) == bits(whole));
  }
}

TEST_CASE("an exact sum is rounded once: cancellation costs nothing, and ties go to even") {
  CHECK(sum_of(std::vector{1e16, 1.0, -1e16}).value() == 1);
  CHECK(sum_of(std::vector{1e300, 1e-300, -1e300}).value() == 1e-300);
  CHECK(sum_of(std::vector{0x1p53, 1.0}).value() == 0x1p53);
  for (int below = -1; below >= -1074; --below)
    CHECK(sum_of(std::vector{0x1p53, 1.0, std::ldexp(1.0, below)}).value() == 0x1p53 + 2);
  CHECK(sum_of(std::vector{0x1p53 + 2, 1.0}).value() == 0x1p53 + 4);
  CHECK(sum_of(std::vector{-0x1p53, -1.0, 0x1p-500}).value() == -0x1p53);
  CHECK(sum_of(std::vector{-0x1p53, -1.0, -0x1p-500}).value() == -0x1p53 - 2);
  CHECK(sum_of(std::vector{0x1p-1074, 0x1p-1074}).value() == 0x1p-1073);
  const double most = std::numeric_limits<double>::max();
  CHECK(sum_of(std::vector{most, most, -most}).value() == most);
  CHECK(sum_of(std::vector{-most, -most, most, most, 0x1p-1074}).value() == 0x1p-1074);
  CHECK(sum_of(std::vector{most, most}).value() == infinity);
  for (Index trial = 0; trial < 200; ++trial) {
    support::Generate g("sums in long double", trial);
    std::vector<double> values;
    long double expected = 0;  // of 64 bits: exact for multiples of 2^-60 below 8
    for (Index i = 0; i < 7; ++i) {
      values.push_back(std::ldexp(std::floor(g.uniform(0, 0x1p53)), g.chance(0.5) ? -60 : -53));
      expected += static_cast<long double>(values.back());
    }
    CHECK(sum_of(values).value() == static_cast<double>(expected));
  }
}

TEST_CASE("products are added without rounding") {
  ExactSum sum;
  sum.add_product(1 + 0x1p-40, 1 + 0x1p-40);
  for (const double part : {-1.0, -0x1p-39}) sum += part;
  CHECK(sum.value() == 0x1p-80);
  ExactSum large;
  large.add_product(1e200, 1e200);
  CHECK(large.value() == infinity);
}

TEST_CASE("infinities and NaN come through, in any order") {
  for (const auto& [values, expected] : {std::pair(std::vector{1.0, infinity, -1e300}, infinity),
                                         {{-infinity, 3.0}, -infinity},
                                         {{0x1p1023, 0x1p1023, -infinity}, -infinity},
                                         {{infinity, 1.0, -infinity}, nan_value},
                                         {{1e16, nan_value, 1.0}, nan_value}}) {
    ExactSum there, back, saved;
    for (std::size_t i = 0; i < values.size(); ++i) {
      there += values[i];
      back += ExactSum(values[values.size() - 1 - i]);
    }
    CHECK(bits(there.value()) == bits(expected));
    CHECK(bits(back.value()) == bits(expected));
    saved.set_values(there.values());
    CHECK(bits(saved.value()) == bits(expected));
  }
}

TEST_CASE("numbers that are no sum's values are rejected") {
  ExactSum sum(7);
  const double huge = 0x1p32;
  for (const std::vector<double>& values : {std::vector<double>{},
                                            {0},
                                            {8, 1},
                                            {0, nan_value},
                                            {0.5, 1},
                                            {0, 66, 1, 1, 1},
                                            {0, -1, 1},
                                            {0, 1, huge},
                                            {0, 1, -1},
                                            {16, 1, 1},
                                            std::vector<double>(80, 0.0)})
    CHECK(support::refusal<ValueError>([&] { sum.set_values(values); }) ==
          "ExactSum: set_values: these are not the values of a sum");
  CHECK(sum.value() == 7);
}
