// Elements picked by id, and put back, against plain loops.
#include "kernels/take.hpp"

#include <doctest/doctest.h>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::AlongAxis;
using support::Generate;

TEST_CASE("take reads the element that an id names, and put adds it back in ascending order") {
  for (Index trial = 0; trial < 120; ++trial) {
    Generate g("take kernel", trial);
    const AlongAxis axis{g.integer(0, 4), g.integer(1, 20), g.integer(1, 20)};
    const Index count = g.integer(0, 20);
    const bool for_each_element = trial % 2 == 0;  // or one id for a whole line
    const Shape picked{axis.outer, count, axis.inner};
    const Ids ids = g.ids(for_each_element ? picked : Shape{count}, axis.length);
    const kernels::Picks picks =
        for_each_element ? kernels::Picks{ids.data(), count, count * axis.inner, axis.inner, 1}
                         : kernels::Picks{ids.data(), count, 0, 1, 0};
    const Array x = g.array(Shape{axis.outer, axis.length, axis.inner}, {-2, 2}),
                dy = g.array(picked, {-1, 1});
    Array y(picked), expected(picked), put = x.clone(), sums = x.clone();
    for (Index o = 0; o < axis.outer; ++o)
      for (Index k = 0; k < count; ++k)
        for (Index i = 0; i < axis.inner; ++i) {
          const Index id = ids.at(o * picks.outer + k * picks.along + i * picks.inner);
          const Index from = (o * axis.length + id) * axis.inner + i,
                      to = (o * count + k) * axis.inner + i;
          expected.mutable_data()[to] = x.at(from);
          sums.mutable_data()[from] += dy.at(to);
        }
    kernels::take(x.data(), axis, picks, y.mutable_data());
    kernels::put(dy.data(), axis, picks, put.mutable_data());
    CHECK(support::bits_differ(y, expected) == "");
    CHECK(support::bits_differ(put, sums) == "");
  }
}
