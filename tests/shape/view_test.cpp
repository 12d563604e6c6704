#include "fovea/shape/view.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "support/seed.hpp"

using namespace fovea;

namespace {

// Every number that the view shows, in row-major order of its shape.
std::vector<real> numbers(const View& view) {
  std::vector<real> result;
  for (Index i = 0; i < view.shape.count(); ++i) {
    Index rest = i, offset = 0;
    for (int axis = view.shape.rank() - 1; axis >= 0; --axis) {
      offset += rest % view.shape[axis] * view.strides[static_cast<std::size_t>(axis)];
      rest /= view.shape[axis];
    }
    result.push_back(view.data[offset]);
  }
  return result;
}

const std::vector<real> six = {0, 1, 2, 3, 4, 5};

View dense(const Shape& shape) { return {six.data(), shape, dense_strides(shape)}; }

}  // namespace

TEST_CASE("dense strides are the products of the sizes to the right") {
  CHECK(dense_strides(Shape()) == Strides{});
  CHECK(dense_strides(Shape{7}) == Strides{1});
  CHECK(dense_strides(Shape{2, 3, 5}) == Strides{15, 5, 1});
  CHECK(dense_strides(Shape{2, 3, 4, 5, 6, 7}) == Strides{2520, 840, 210, 42, 7, 1});
  CHECK(dense_strides(Shape{3, 0, 5}) == Strides{0, 5, 1});
}

TEST_CASE("a transposed view exchanges the last two axes") {
  const View view = transposed(dense(Shape{2, 3}));
  CHECK(view.shape == Shape{3, 2});
  CHECK(numbers(view) == std::vector<real>{0, 3, 1, 4, 2, 5});
  CHECK(numbers(transposed(view)) == six);
  CHECK(transposed(dense(Shape{1, 3, 2})).shape == Shape{1, 2, 3});
  CHECK(numbers(transposed(dense(Shape{1, 3, 2}))) == std::vector<real>{0, 2, 4, 1, 3, 5});
  CHECK(transposed(dense(Shape{0, 3})).shape == Shape{3, 0});
  CHECK_THROWS_WITH_AS(transposed(dense(Shape{6})), "transposed: shape (6,) has no two last axes",
                       ShapeError);
  CHECK_THROWS_AS(transposed(dense(Shape())), ShapeError);
}

TEST_CASE("a broadcast view repeats axes of size 1 and new axes") {
  CHECK(numbers(broadcast_to(dense(Shape{3}), Shape{2, 3})) == std::vector<real>{0, 1, 2, 0, 1, 2});
  CHECK(numbers(broadcast_to(dense(Shape{3, 1}), Shape{3, 2})) ==
        std::vector<real>{0, 0, 1, 1, 2, 2});
  CHECK(numbers(broadcast_to(dense(Shape()), Shape{2, 2})) == std::vector<real>{0, 0, 0, 0});
  CHECK(numbers(broadcast_to(dense(Shape{2, 3}), Shape{2, 3})) == six);
  CHECK(numbers(broadcast_to(dense(Shape{2, 1, 3}), Shape{2, 2, 3})) ==
        std::vector<real>{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  CHECK(broadcast_to(dense(Shape{1, 3}), Shape{0, 3}).shape == Shape{0, 3});
  CHECK(broadcast_to(dense(Shape()), Shape()).shape == Shape());
}

TEST_CASE("a view that is not dense is broadcast with its own strides") {
  const View columns = transposed(dense(Shape{2, 3}));
  CHECK(numbers(broadcast_to(columns, Shape{2, 3, 2})) ==
        std::vector<real>{0, 3, 1, 4, 2, 5, 0, 3, 1, 4, 2, 5});
  const View twice = broadcast_to(broadcast_to(dense(Shape{3, 1}), Shape{3, 2}), Shape{2, 3, 2});
  CHECK(numbers(twice) == std::vector<real>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2});
}

TEST_CASE("shapes that do not broadcast are refused") {
  CHECK_THROWS_WITH_AS(
      broadcast_to(dense(Shape{3}), Shape{2}),
      "(3,) does not broadcast to (2,): aligned at the last axis, each size must be equal or 1",
      ShapeError);
  CHECK_THROWS_AS(broadcast_to(dense(Shape{2, 3}), Shape{3}), ShapeError);
  CHECK_THROWS_AS(broadcast_to(dense(Shape{1, 3}), Shape{3}), ShapeError);
  CHECK_THROWS_AS(broadcast_to(dense(Shape{2, 3}), Shape{3, 3}), ShapeError);
  CHECK_THROWS_AS(broadcast_to(dense(Shape{2}), Shape{0}), ShapeError);
  CHECK_THROWS_AS(broadcast_to(dense(Shape{2}), Shape()), ShapeError);
  CHECK_THROWS_AS(broadcast_strides(Shape{0}, Shape{1}), ShapeError);
}

TEST_CASE("broadcasting agrees with counting indices, for random shapes") {
  Rng rng(support::seed());
  std::vector<real> data(1024);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<real>(i);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Index> target, source;
    for (Index rank = rng.below(6); rank > 0; --rank) target.push_back(rng.below(4));
    const Index missing = rng.below(static_cast<Index>(target.size()) + 1);
    for (std::size_t axis = static_cast<std::size_t>(missing); axis < target.size(); ++axis)
      source.push_back(rng.below(2) ? 1 : target[axis]);
    const Shape from(source), to(target);
    CAPTURE(to_string(from));
    CAPTURE(to_string(to));

    std::vector<real> expected;
    for (Index i = 0; i < to.count(); ++i) {
      Index rest = i, position = 0, step = 1;
      for (int axis = to.rank() - 1; axis >= missing; --axis) {
        const Index size = from[axis - static_cast<int>(missing)];
        if (size != 1) position += rest % to[axis] * step;
        step *= size;
        rest /= to[axis];
      }
      expected.push_back(data[static_cast<std::size_t>(position)]);
    }
    CHECK(numbers(broadcast_to({data.data(), from, dense_strides(from)}, to)) == expected);
  }
}
