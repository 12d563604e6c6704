#include "fovea/array/ids.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "fovea/base/error.hpp"

using namespace fovea;

namespace {

std::vector<std::int32_t> numbers(const Ids& ids) {
  return {ids.values().begin(), ids.values().end()};
}

using Positions = std::vector<Index>;
using Longs = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("ids keep their values in row-major order") {
  const Ids ids(Shape{2, 2}, {4, 3, 2, -1});
  CHECK(ids.shape() == Shape{2, 2});
  CHECK(ids.count() == 4);
  CHECK(ids.at(0) == 4);
  CHECK(ids.at(3) == -1);
  CHECK(Ids().shape() == Shape{0});
  CHECK(Ids().values().empty());
  CHECK(Ids(Shape(), {7}).at(0) == 7);
}

TEST_CASE("ids of 64 bits are taken where they fit 32, and refused where not") {
  constexpr std::int64_t low = std::numeric_limits<std::int32_t>::min(),
                         high = std::numeric_limits<std::int32_t>::max();
  const Ids ids(Shape{3}, Longs{low, 0, high});
  CHECK(ids.at(0) == low);
  CHECK(ids.at(2) == high);
  CHECK_THROWS_WITH_AS(Ids(Shape{2}, Longs{0, high + 1}),
                       "Ids: the value at position 1 is 2147483648, which does not fit 32 bits",
                       ValueError);
  CHECK_THROWS_AS(Ids(Shape{1}, Longs{low - 1}), ValueError);
  CHECK_THROWS_AS(Ids(Shape{1}, Longs{std::int64_t(1) << 32}),
                  ValueError);  // 0 where the upper half is dropped
  CHECK_THROWS_AS(Ids(Shape{1}, Longs{std::numeric_limits<std::int64_t>::min()}), ValueError);
}

TEST_CASE("a number of ids that is not the shape's is refused before memory is asked for") {
  CHECK_THROWS_WITH_AS(Ids(Shape{2, 2}, {1, 2, 3}),
                       "Ids: 3 values given for shape (2, 2), which has 4", ShapeError);
  CHECK_THROWS_WITH_AS(Ids(Shape{3}, Longs{1}), "Ids: 1 values given for shape (3,), which has 3",
                       ShapeError);
  CHECK_THROWS_AS(Ids(Shape{Index(1) << 50}, {1}), ShapeError);
}

TEST_CASE("positions outside of ids are refused") {
  const Ids ids(Shape{2, 2}, {4, 3, 2, 1});
  CHECK_THROWS_WITH_AS(ids.at(4), "Ids::at: position 4 of shape (2, 2), which has 4 elements",
                       IndexError);
  CHECK_THROWS_AS(ids.at(-1), IndexError);
  CHECK_THROWS_AS(Ids().at(0), IndexError);
}

TEST_CASE("reshaped ids share their numbers") {
  const Ids ids(Shape{2, 2}, {4, 3, 2, 1});
  CHECK(ids.reshaped(Shape{4}).data() == ids.data());
  CHECK(ids.reshaped(Shape{1, 4}).shape() == Shape{1, 4});
  CHECK_THROWS_WITH_AS(ids.reshaped(Shape{3}), "Ids::reshaped: (2, 2) has 4 elements, (3,) has 3",
                       ShapeError);
}

TEST_CASE("a run of rows") {
  const Ids ids(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(ids.rows(1, 3).shape() == Shape{2, 2});
  CHECK(numbers(ids.rows(1, 3)) == std::vector<std::int32_t>{3, 4, 5, 6});
  CHECK(ids.rows(1, 1).shape() == Shape{0, 2});
  CHECK(Ids(Shape{0, 2}, std::vector<std::int32_t>()).rows(0, 0).shape() == Shape{0, 2});
  CHECK_THROWS_WITH_AS(ids.rows(0, 4), "Ids::rows: [0, 4) of shape (3, 2), which has 3 rows",
                       IndexError);
  CHECK_THROWS_AS(ids.rows(-1, 0), IndexError);
  CHECK_THROWS_AS(ids.rows(2, 1), IndexError);
  CHECK_THROWS_AS(Ids(Shape(), {7}).rows(0, 1), IndexError);
}

TEST_CASE("rows by position, in any order and repeated") {
  const Ids ids(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  const Ids picked = ids.rows(Positions{2, 0, 2, 1});
  CHECK(picked.shape() == Shape{4, 2});
  CHECK(numbers(picked) == std::vector<std::int32_t>{5, 6, 1, 2, 5, 6, 3, 4});
  CHECK(ids.rows(Positions{}).shape() == Shape{0, 2});
  CHECK(numbers(Ids(Shape{3}, {7, 8, 9}).rows(Positions{1, 1})) == std::vector<std::int32_t>{8, 8});
  CHECK(Ids(Shape{0, 2}, std::vector<std::int32_t>()).rows(Positions{}).shape() == Shape{0, 2});
  CHECK_THROWS_WITH_AS(ids.rows(Positions{0, 3}),
                       "Ids::rows: row 3 of shape (3, 2), which has 3 rows", IndexError);
  CHECK_THROWS_AS(ids.rows(Positions{-1}), IndexError);
  CHECK_THROWS_AS(Ids(Shape(), {7}).rows(Positions{0}), IndexError);
  CHECK_THROWS_AS(Ids(Shape{0, 2}, std::vector<std::int32_t>()).rows(Positions{0}), IndexError);
}
