#include "fovea/array/array.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "fovea/base/error.hpp"

using namespace fovea;

namespace {

std::vector<real> numbers(const Array& array) {
  return {array.values().begin(), array.values().end()};
}

}  // namespace

TEST_CASE("an array keeps its values in row-major order") {
  const Array array(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(array.shape() == Shape{2, 3});
  CHECK(array.count() == 6);
  CHECK(numbers(array) == std::vector<real>{1, 2, 3, 4, 5, 6});
  CHECK(array.at(0) == 1);
  CHECK(array.at(5) == 6);
  CHECK(array.view().strides == Strides{3, 1});
  CHECK(array.view().data == array.data());
}

TEST_CASE("arrays of one element, of none, and by default") {
  CHECK(Array(Shape(), {4}).at(0) == 4);
  CHECK(Array().shape() == Shape{0});
  CHECK(Array().values().empty());
  CHECK(Array().clone().count() == 0);
  CHECK(Array().reshaped(Shape{0, 5}).shape() == Shape{0, 5});
  CHECK(Array(Shape{3, 0, 2}).values().empty());
  CHECK(Array::full(Shape{0}, 1).count() == 0);
}

TEST_CASE("full and zeros fill every element") {
  CHECK(numbers(Array::full(Shape{2, 2}, 7)) == std::vector<real>{7, 7, 7, 7});
  Array dirty = Array::full(Shape{1000}, 7);
  dirty = Array();
  for (const real x : Array::zeros(Shape{1000}).values()) CHECK(x == 0);
}

TEST_CASE("a number of values that is not the shape's is refused before memory is asked for") {
  CHECK_THROWS_WITH_AS(Array(Shape{2, 3}, {1, 2}),
                       "Array: 2 values given for shape (2, 3), which has 6", ShapeError);
  CHECK_THROWS_AS(Array(Shape{0}, {1}), ShapeError);
  CHECK_THROWS_AS(Array(Shape(), std::initializer_list<real>{}), ShapeError);
  CHECK_THROWS_AS(Array(Shape{Index(1) << 50}, {1}), ShapeError);
}

TEST_CASE("an array that no machine can hold is a MemoryError") {
  CHECK_THROWS_AS(Array(Shape{Index(1) << 50}), MemoryError);
  CHECK_THROWS_AS(Array::zeros(Shape{Index(1) << 56}), MemoryError);
}

TEST_CASE("positions outside of an array are refused") {
  const Array array(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH_AS(array.at(6), "Array::at: position 6 of shape (2, 3), which has 6 elements",
                       IndexError);
  CHECK_THROWS_AS(array.at(-1), IndexError);
  CHECK_THROWS_AS(array.at(std::numeric_limits<Index>::min()), IndexError);
  CHECK_THROWS_AS(Array().at(0), IndexError);
}

TEST_CASE("copies share memory until one is written to, clones do not") {
  Array array(Shape{2}, {1, 2});
  CHECK(array.unique());
  Array copy = array;
  CHECK(!array.unique());
  CHECK(copy.data() == array.data());
  Array clone = array.clone();
  CHECK(clone.unique());
  clone.mutable_data()[0] = 9;
  CHECK(array.at(0) == 1);
  array.mutable_view().data[1] = 5;
  CHECK(array.at(1) == 5);
  CHECK(copy.at(1) == 2);
  CHECK(clone.at(1) == 2);
}

TEST_CASE("reshaping shares the numbers and keeps their count") {
  const Array array(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  const Array other = array.reshaped(Shape{3, 1, 2});
  CHECK(other.shape() == Shape{3, 1, 2});
  CHECK(other.data() == array.data());
  CHECK(array.shape() == Shape{2, 3});
  CHECK(Array(Shape(), {4}).reshaped(Shape{1, 1}).shape() == Shape{1, 1});
  CHECK_THROWS_WITH_AS(array.reshaped(Shape{5}),
                       "Array::reshaped: (2, 3) has 6 elements, (5,) has 5", ShapeError);
}

TEST_CASE("rows are cut from the first axis, as a copy") {
  Array array(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  Array middle = array.rows(1, 2);
  CHECK(middle.shape() == Shape{1, 2});
  CHECK(numbers(middle) == std::vector<real>{3, 4});
  CHECK(numbers(array.rows(0, 3)) == numbers(array));
  CHECK(array.rows(3, 3).shape() == Shape{0, 2});
  middle.mutable_data()[0] = 9;
  CHECK(array.at(2) == 3);
  CHECK(numbers(Array(Shape{3}, {1, 2, 3}).rows(1, 3)) == std::vector<real>{2, 3});
  CHECK(Array(Shape{0, 5}).rows(0, 0).shape() == Shape{0, 5});
  CHECK(Array(Shape{5, 0}).rows(2, 4).shape() == Shape{2, 0});
}

TEST_CASE("rows that are not there are refused") {
  const Array array(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH_AS(array.rows(2, 4), "Array::rows: [2, 4) of shape (3, 2), which has 3 rows",
                       IndexError);
  CHECK_THROWS_AS(array.rows(-1, 2), IndexError);
  CHECK_THROWS_AS(array.rows(2, 1), IndexError);
  CHECK_THROWS_AS(Array(Shape(), {4}).rows(0, 1), IndexError);
  CHECK_THROWS_AS(Array(Shape{0, 5}).rows(0, 1), IndexError);
}
