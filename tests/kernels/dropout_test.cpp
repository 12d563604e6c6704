// Dropout against its definition, one number of the stream for each element.
#include "kernels/dropout.hpp"

#include <doctest/doctest.h>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

TEST_CASE("dropout keeps element i where number first + i of the stream is at least the rate") {
  for (Index trial = 0; trial < 60; ++trial) {
    Generate g("dropout kernel", trial);
    const Index count = g.integer(0, trial % 4 == 0 ? 5000 : 20), first = g.integer(0, 1000);
    const real rate = trial % 5 == 0 ? real(1) : static_cast<real>(g.uniform(0, 1));
    const Rng random(g.bits());
    const Array x = g.array(Shape{count}, {-2, 2}), before = g.array(Shape{count}, {-2, 2});
    Array expected(Shape{count}), sum(Shape{count}), y(Shape{count}), added = before.clone();
    for (Index i = 0; i < count; ++i) {
      const bool kept = random.uniform(static_cast<std::uint64_t>(first + i)) >= rate;
      expected.mutable_data()[i] = kept ? x.at(i) * (1 / (1 - rate)) : real(0);
      sum.mutable_data()[i] = before.at(i) + expected.at(i);
    }
    kernels::dropout(x.data(), {rate, random, first}, count, y.mutable_data(), false);
    kernels::dropout(x.data(), {rate, random, first}, count, added.mutable_data(), true);
    CHECK(support::bits_differ(y, expected) == "");
    CHECK(support::bits_differ(added, sum) == "");
  }
}
