#include "fovea/shape/shape.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "fovea/base/error.hpp"

using namespace fovea;

namespace {

constexpr Index largest = std::numeric_limits<Index>::max();

}

TEST_CASE("a shape counts its elements") {
  CHECK(Shape().count() == 1);
  CHECK(Shape().rank() == 0);
  CHECK(Shape{0}.count() == 0);
  CHECK(Shape{1}.count() == 1);
  CHECK(Shape{7, 3, 5}.count() == 105);
  CHECK(Shape{7, 0, 5}.count() == 0);
  CHECK(Shape{2, 3, 4, 5, 6, 7}.count() == 5040);
  CHECK(Shape(std::vector<Index>{4, 5}) == Shape{4, 5});
  CHECK(Shape{Index(1) << 56}.count() == Index(1) << 56);
}

TEST_CASE("axes count from either end") {
  const Shape shape{2, 3, 5};
  CHECK(shape[0] == 2);
  CHECK(shape[2] == 5);
  CHECK(shape[-1] == 5);
  CHECK(shape[-3] == 2);
  CHECK(shape.resolve(-2) == 1);
  CHECK(shape.resolve(1) == 1);
  CHECK_THROWS_WITH_AS(shape[3], "axis 3 of shape (2, 3, 5): there are axes -3 to 2", IndexError);
  CHECK_THROWS_WITH_AS(shape[-4], "axis -4 of shape (2, 3, 5): there are axes -3 to 2", IndexError);
  CHECK_THROWS_AS(Shape()[0], IndexError);
  CHECK_THROWS_AS(Shape()[-1], IndexError);
  CHECK_THROWS_AS(shape[std::numeric_limits<int>::min()], IndexError);
  CHECK_THROWS_AS(shape[std::numeric_limits<int>::max()], IndexError);
}

TEST_CASE("a negative size is refused") {
  CHECK_THROWS_WITH_AS((Shape{3, -1}), "Shape: a size is negative: (3, -1)", ShapeError);
  CHECK_THROWS_AS((Shape{0, -1}), ShapeError);
  CHECK_THROWS_AS((Shape{std::numeric_limits<Index>::min()}), ShapeError);
}

TEST_CASE("more than six axes are refused") {
  CHECK_NOTHROW((Shape{1, 1, 1, 1, 1, 1}));
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7}),
                       "Shape: at most 6 axes; (1, 2, 3, 4, 5, 6, 7) has 7", ShapeError);
}

TEST_CASE("products that overflow are refused, also where a zero hides them") {
  constexpr Index big = Index(1) << 40;
  CHECK_THROWS_WITH_AS(
      (Shape{big, big}),
      "Shape: more elements than the address space holds: (1099511627776, 1099511627776)",
      ShapeError);
  CHECK_THROWS_AS((Shape{big, big, 0}), ShapeError);
  CHECK_THROWS_AS((Shape{0, big, big}), ShapeError);
  CHECK_THROWS_AS((Shape{big, 0, big}), ShapeError);
  CHECK_THROWS_AS((Shape{largest}), ShapeError);
  CHECK_THROWS_AS((Shape{largest, 0}), ShapeError);
  CHECK_THROWS_AS((Shape{(Index(1) << 56) + 1}), ShapeError);
  CHECK_THROWS_AS((Shape{Index(1) << 32, Index(1) << 32}),
                  ShapeError);  // 2^64: 0 where the product wraps
  CHECK_THROWS_AS((Shape{(Index(1) << 32) + 1, (Index(1) << 32) + 1}),
                  ShapeError);  // 2^64 + 2^33 + 1: small where it wraps
  CHECK_THROWS_AS((Shape{Index(1) << 31, Index(1) << 31, Index(1) << 31, Index(1) << 31}),
                  ShapeError);
}

TEST_CASE("a size replaced, taken out, put in") {
  const Shape shape{2, 3, 5};
  CHECK(shape.with(1, 7) == Shape{2, 7, 5});
  CHECK(shape.with(-1, 0) == Shape{2, 3, 0});
  CHECK(shape.with(-1, 0).count() == 0);
  CHECK(shape.with(2, 0).with(2, 4).count() == 24);
  CHECK(shape.without(0) == Shape{3, 5});
  CHECK(shape.without(-1) == Shape{2, 3});
  CHECK(Shape{4}.without(0) == Shape());
  CHECK(shape.inserted(0, 9) == Shape{9, 2, 3, 5});
  CHECK(shape.inserted(3, 9) == Shape{2, 3, 5, 9});
  CHECK(shape.inserted(-1, 9) == Shape{2, 3, 5, 9});
  CHECK(shape.inserted(-4, 9) == Shape{9, 2, 3, 5});
  CHECK(Shape().inserted(0, 9) == Shape{9});
  CHECK(shape == Shape{2, 3, 5});
}

TEST_CASE("changes that give no valid shape are refused") {
  const Shape shape{2, 3, 5};
  CHECK_THROWS_AS(shape.with(3, 1), IndexError);
  CHECK_THROWS_AS(shape.with(0, -1), ShapeError);
  CHECK_THROWS_AS(shape.with(0, largest), ShapeError);
  CHECK_THROWS_AS(shape.without(3), IndexError);
  CHECK_THROWS_AS(Shape().without(0), IndexError);
  CHECK_THROWS_WITH_AS(shape.inserted(4, 1), "a new axis 4 of shape (2, 3, 5): it may be -4 to 3",
                       IndexError);
  CHECK_THROWS_AS(shape.inserted(-5, 1), IndexError);
  CHECK_THROWS_AS(shape.inserted(std::numeric_limits<int>::min(), 1), IndexError);
  CHECK_THROWS_AS(shape.inserted(std::numeric_limits<int>::max(), 1), IndexError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1}).inserted(0, 1), ShapeError);
}

TEST_CASE("shapes are equal when rank and sizes are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(Shape() != Shape{1});
  CHECK(Shape{0, 2} != Shape{2, 0});
  CHECK(Shape{2, 3, 5}.without(2) == Shape{2, 3});  // sizes beyond the rank do not count
  CHECK(Shape{2, 3}.sizes().size() == 2);
  CHECK(Shape().sizes().empty());
}

TEST_CASE("shapes print as Python writes a tuple") {
  CHECK(to_string(Shape()) == "()");
  CHECK(to_string(Shape{10}) == "(10,)");
  CHECK(to_string(Shape{32, 64}) == "(32, 64)");
  CHECK(to_string(Shape{0, 1, 2, 3, 4, 5}) == "(0, 1, 2, 3, 4, 5)");
}
