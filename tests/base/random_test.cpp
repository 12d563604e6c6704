// Philox against the known answers of its authors (kat_vectors of Random123), streams against
// numbers from an independent implementation in Python.
#include "fovea/base/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "fovea/base/error.hpp"
#include "support/seed.hpp"

using namespace fovea;

namespace {

using Words = std::array<std::uint32_t, 4>;

// FNV-1a over the little-endian bytes of `count` words.
std::uint64_t hash_of_next(Rng rng, int count) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t word = rng.next();
    for (int shift = 0; shift < 32; shift += 8)
      hash = (hash ^ (word >> shift & 0xff)) * 0x100000001b3;
  }
  return hash;
}

std::vector<std::uint32_t> first(Rng rng, int count) {
  std::vector<std::uint32_t> words;
  for (int i = 0; i < count; ++i) words.push_back(rng.next());
  return words;
}

}  // namespace

TEST_CASE("philox gives the known answers") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("the first 1,000 numbers of a seed never change") {
  CHECK(hash_of_next(Rng(42), 1000) == 0xbf40d086817aeedf);
  CHECK(hash_of_next(Rng(42).split("shuffle", 3), 1000) == 0xdec1a3f260d27593);
}

TEST_CASE("numbers in bulk are those at each position, from any first position on") {
  const Rng rng = Rng(42).split("bulk");
  for (const std::uint64_t first :
       {std::uint64_t(0), std::uint64_t(1), std::uint64_t(6), std::uint64_t(0xfffffffffffffff0)})
    for (std::size_t count = 0; count < 13; ++count) {
      std::vector<real> numbers(count + 1, real(-1));
      rng.fill(first, std::span(numbers).first(count));
      for (std::size_t i = 0; i < count; ++i) CHECK(numbers[i] == rng.uniform(first + i));
      CHECK(numbers[count] == -1);
    }
}

TEST_CASE("seed, stream and position all count to their last bit") {
  const Rng rng(0x123456789abcdef0, 0xfedcba9876543210);
  CHECK(rng.bits(0) == 0x90aafdc4);
  CHECK(rng.bits(1) == 0x2d4a0d93);
  CHECK(rng.bits(5) == 0x6cadf41d);
  CHECK(rng.bits(0xffffffffffffffff) == 0x43fd111b);

  std::set<std::uint32_t> words;
  for (int bit = 0; bit < 64; ++bit) {
    words.insert(Rng(std::uint64_t(1) << bit).bits(0));
    words.insert(Rng(0, std::uint64_t(1) << bit).bits(0));
    words.insert(Rng(0).bits(std::uint64_t(1) << bit));
  }
  CHECK(words.size() == 3 * 64);
}

TEST_CASE("the number at a position does not depend on what was drawn before") {
  const std::uint64_t seed = support::seed();
  const std::vector<std::uint32_t> in_order = first(Rng(seed), 100);
  Rng rng(seed);
  for (std::uint64_t i = 100; i-- > 0;) {
    CHECK(rng.bits(i) == in_order[i]);
    rng.next();
    rng.below(10);
  }
}

TEST_CASE("drawing does not change what split gives, and a copy draws the same") {
  Rng rng(support::seed());
  const std::vector<std::uint32_t> before = first(rng.split("dropout", 1), 10);
  rng.next();
  CHECK(first(rng.split("dropout", 1), 10) == before);
  Rng copy = rng;
  CHECK(first(copy, 10) == first(rng, 10));
}

TEST_CASE("streams that differ in purpose, number, parent or seed share no numbers") {
  const Rng rng(support::seed());
  const std::vector<Rng> streams = {rng,
                                    rng.split(""),
                                    rng.split("a"),
                                    rng.split("b"),
                                    rng.split("ab"),
                                    rng.split("ba"),
                                    rng.split("a", 1),
                                    rng.split("a", std::uint64_t(1) << 32),
                                    rng.split("a").split("a"),
                                    rng.split("a").split("b"),
                                    rng.split("b").split("a"),
                                    Rng(support::seed() + 1),
                                    Rng(support::seed() + 1).split("a"),
                                    Rng(support::seed(), 1),
                                    Rng(support::seed(), 1).split("a")};
  std::set<std::vector<std::uint32_t>> distinct;
  for (const Rng& stream : streams) distinct.insert(first(stream, 4));
  CHECK(distinct.size() == streams.size());
}

TEST_CASE("uniform numbers are multiples of 2^-24 in [0, 1), with mean 1/2 and variance 1/12") {
  const Rng rng(support::seed());
  constexpr int count = 100000;
  double sum = 0, squares = 0;
  bool in_range = true, multiples = true;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double x = rng.uniform(i);
    in_range = in_range && x >= 0 && x < 1;
    multiples = multiples && x * 0x1p24 == std::floor(x * 0x1p24);
    sum += x;
    squares += x * x;
  }
  CHECK(in_range);
  CHECK(multiples);
  const double mean = sum / count, variance = squares / count - mean * mean;
  CHECK(std::abs(mean - 0.5) <
        5 * std::sqrt(1.0 / 12 / count));  // five standard deviations of a mean
  CHECK(std::abs(variance - 1.0 / 12) <
        5 * std::sqrt(1.0 / 180 / count));  // (x - 1/2)^2 has variance 1/80 - 1/144 = 1/180
}

TEST_CASE("below stays below its bound and favours nobody") {
  Rng rng(support::seed());
  for (const Index bound :
       {Index(1), Index(2), Index(3), Index(7), Index(1000), Index(1) << 31, Index(1) << 32}) {
    CAPTURE(bound);
    bool in_range = true;
    for (int i = 0; i < 1000; ++i) {
      const Index x = rng.below(bound);
      in_range = in_range && x >= 0 && x < bound;
    }
    CHECK(in_range);
  }

  constexpr int count = 70000;
  std::array<int, 7> counts = {};
  for (int i = 0; i < count; ++i) ++counts[static_cast<std::size_t>(rng.below(7))];
  double chi_squared = 0;
  for (const int n : counts) chi_squared += std::pow(n - count / 7.0, 2) / (count / 7.0);
  CHECK(chi_squared < 40);  // six degrees of freedom: P(chi^2 > 40) = 5e-7
}

TEST_CASE("below draws again where multiplying would favour some numbers") {
  // At a bound of 3 * 2^30 plain multiplication gives every third number twice as often: x % 3 == 0
  // in half of the cases.
  Rng rng(support::seed());
  constexpr int count = 30000;
  int multiples_of_three = 0;
  for (int i = 0; i < count; ++i) multiples_of_three += rng.below(Index(3) << 30) % 3 == 0;
  CHECK(std::abs(multiples_of_three - count / 3) < 5 * std::sqrt(count * 2.0 / 9));
}

TEST_CASE("below refuses bounds that it cannot serve") {
  Rng rng(1);
  CHECK_THROWS_WITH_AS(
      rng.below(0), "Rng::below: bound is 0; it must be at least 1 and at most 2^32", ValueError);
  CHECK_THROWS_WITH_AS(
      rng.below(-1), "Rng::below: bound is -1; it must be at least 1 and at most 2^32", ValueError);
  CHECK_THROWS_WITH_AS(rng.below((Index(1) << 32) + 1),
                       "Rng::below: bound is 4294967297; it must be at least 1 and at most 2^32",
                       ValueError);
  CHECK(rng.next() == Rng(1).bits(0));
}
