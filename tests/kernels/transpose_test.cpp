// One matrix with its axes exchanged, at every size around a vector's, rows apart.
#include "kernels/transpose.hpp"

#include <doctest/doctest.h>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

TEST_CASE("transpose exchanges the axes and touches nothing between the rows") {
  for (Index trial = 0; trial < 300; ++trial) {
    Generate g("transpose kernel", trial);
    const Index rows = g.integer(0, 40), columns = g.integer(0, 40),
                lead_x = columns + g.integer(0, 5), lead_y = rows + g.integer(0, 5);
    const Array x = g.array(Shape{rows, lead_x}, {-2, 2});
    Array y = Array::full(Shape{columns, lead_y}, 7), expected = y.clone();
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < columns; ++c)
        expected.mutable_data()[c * lead_y + r] = x.at(r * lead_x + c);
    kernels::transpose(x.data(), rows, columns, lead_x, y.mutable_data(), lead_y);
    CHECK(support::bits_differ(y, expected) == "");
  }
}
