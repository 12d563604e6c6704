#include "fovea/array/mask.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "fovea/base/error.hpp"

using namespace fovea;

namespace {

std::vector<int> kept(const Mask& mask) { return {mask.keep().begin(), mask.keep().end()}; }

}  // namespace

TEST_CASE("whatever is not 0 keeps") {
  const Mask mask(Shape{2, 2}, {0, 1, 255, 0});
  CHECK(mask.shape() == Shape{2, 2});
  CHECK(kept(mask) == std::vector<int>{0, 1, 1, 0});
  CHECK(mask.kept() == 2);
  CHECK(Mask().kept() == 0);
  CHECK(Mask().shape() == Shape{0});
  CHECK(Mask(Shape(), {1}).kept() == 1);
}

TEST_CASE("a mask is filled in place, and copies stay as they are") {
  Mask mask(Shape{3});
  for (std::uint8_t& keep : mask.mutable_keep()) keep = 1;
  const Mask copy = mask;
  mask.mutable_keep()[0] = 0;
  CHECK(copy.kept() == 3);
  CHECK(mask.kept() == 2);
}

TEST_CASE("a number of values that is not the shape's is refused before memory is asked for") {
  CHECK_THROWS_WITH_AS(Mask(Shape{3}, {1, 0}), "Mask: 2 values given for shape (3,), which has 3",
                       ShapeError);
  CHECK_THROWS_AS(Mask(Shape{Index(1) << 50}, {1}), ShapeError);
}

TEST_CASE("positions are kept where the id is not the dropped one") {
  const Ids ids(Shape{2, 3}, {0, 5, 0, 7, -1, 0});
  CHECK(kept(Mask::keep_where_not(ids, 0)) == std::vector<int>{0, 1, 0, 1, 1, 0});
  CHECK(Mask::keep_where_not(ids, 0).shape() == Shape{2, 3});
  CHECK(Mask::keep_where_not(ids, -1).kept() == 5);
  CHECK(Mask::keep_where_not(ids, Index(1) << 32).kept() ==
        6);  // no id is 2^32, and 0 is not either
  CHECK(Mask::keep_where_not(Ids(), 0).kept() == 0);
}

TEST_CASE("reshaped masks share their positions") {
  const Mask mask(Shape{2, 2}, {0, 1, 1, 0});
  CHECK(mask.reshaped(Shape{4}).data() == mask.data());
  CHECK(mask.reshaped(Shape{4, 1}).shape() == Shape{4, 1});
  CHECK_THROWS_WITH_AS(mask.reshaped(Shape{5}), "Mask::reshaped: (2, 2) has 4 elements, (5,) has 5",
                       ShapeError);
}

TEST_CASE("every byte but 0 keeps, whatever was written") {
  Mask mask = {1, 0, 1};
  mask(0) = 7;
  CHECK(mask.kept() == 2);
}
