// A choice between operands against its definition, for one element or many on each side.
#include "kernels/where.hpp"

#include <doctest/doctest.h>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

TEST_CASE("where takes each element from the operand that the mask names") {
  for (Index trial = 0; trial < 80; ++trial) {
    Generate g("where kernel", trial);
    const bool one_a = trial % 2 == 0, one_b = trial / 2 % 2 == 0;
    const Index count = g.integer(1, trial % 8 < 4 ? 100 : 70000);
    const Array a = g.array(Shape{one_a ? 1 : count}, {-2, 2}),
                b = g.array(Shape{one_b ? 1 : count}, {-2, 2});
    const Mask mask = g.mask(Shape{count}, 0.5);
    Array expected(Shape{count}), c(Shape{count});
    for (Index i = 0; i < count; ++i)
      expected.mutable_data()[i] = mask.at(i) ? a.at(one_a ? 0 : i) : b.at(one_b ? 0 : i);
    kernels::where(mask.keep().data(), {a.data(), one_a}, {b.data(), one_b}, count,
                   c.mutable_data());
    CHECK(support::bits_differ(c, expected) == "");
  }
}
