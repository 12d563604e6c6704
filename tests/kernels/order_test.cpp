// Where the largest numbers are, against plain searches.
#include "kernels/order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "support/generate.hpp"

using namespace fovea;
using kernels::AlongAxis;
using support::Generate;

namespace {

// Few different numbers, and NaN now and then: ties are frequent.
Array with_ties(Generate& g, const Shape& shape) {
  Array x(shape);
  for (real& value : x.mutable_values())
    value = g.chance(0.05) ? std::numeric_limits<real>::quiet_NaN()
                           : static_cast<real>(g.integer(-3, 3));
  return x;
}

// Whether a comes before b: NaN before all numbers, of equals none.
bool before(real a, real b, bool largest) {
  if (a != a || b != b) return a != a && b == b;
  return largest ? a > b : a < b;
}

}  // namespace

TEST_CASE("the position of the largest and the smallest is that of the first of equals, or a NaN") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("position kernel", trial);
    const AlongAxis axis{g.integer(0, 3), g.integer(1, 40), g.integer(1, 9)};
    const Array x = with_ties(g, Shape{axis.outer, axis.length, axis.inner});
    for (const bool largest : {true, false}) {
      Ids ids(Shape{axis.outer, axis.inner});
      (largest ? kernels::largest_position : kernels::smallest_position)(x.data(), axis,
                                                                         ids.mutable_data());
      for (Index o = 0; o < axis.outer; ++o)
        for (Index i = 0; i < axis.inner; ++i) {
          const auto at = [&](Index t) { return x.at((o * axis.length + t) * axis.inner + i); };
          Index best = 0;
          for (Index t = 1; t < axis.length; ++t)
            if (before(at(t), at(best), largest)) best = t;
          CHECK(ids.at(o * axis.inner + i) == best);
        }
    }
  }
}

TEST_CASE("the k largest positions are those of a stable sort") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("top k kernel", trial);
    const Index rows = g.integer(0, 4), length = g.integer(0, 60), k = g.integer(0, length);
    const Array x = with_ties(g, Shape{rows, length});
    Ids ids(Shape{rows, k});
    kernels::largest_positions(x.data(), rows, length, k, ids.mutable_data());
    for (Index r = 0; r < rows; ++r) {
      std::vector<Index> order(static_cast<std::size_t>(length));
      std::iota(order.begin(), order.end(), Index(0));
      std::ranges::stable_sort(order, [&](Index a, Index b) {
        return before(x.at(r * length + a), x.at(r * length + b), true);
      });
      for (Index i = 0; i < k; ++i) CHECK(ids.at(r * k + i) == order[static_cast<std::size_t>(i)]);
    }
  }
}
