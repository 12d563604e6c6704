#include "fovea/autograd/gradient.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "support/seed.hpp"

using namespace fovea;

using Numbers = std::vector<real>;

namespace {

Numbers numbers(const Array& array) { return {array.values().begin(), array.values().end()}; }
std::vector<std::int32_t> numbers(const Ids& ids) {
  return {ids.values().begin(), ids.values().end()};
}

const Shape table = {4, 2};

// Adds 1 to every element, the way a rule does.
void add_ones(Gradient& gradient) {
  const Gradient::Target target = gradient.dense();
  for (Index i = 0; i < target.view.shape.count(); ++i)
    target.view.data[i] = (target.add ? target.view.data[i] : 0) + 1;
}

}  // namespace

TEST_CASE("a gradient to which nothing was added is empty, and zeros as numbers") {
  const Gradient gradient(table);
  CHECK(gradient.shape() == table);
  CHECK(gradient.empty());
  CHECK(!gradient.has_rows_only());
  CHECK(numbers(gradient.array()) == Numbers(8, 0));
}

TEST_CASE("dense numbers are written the first time and added to after it") {
  Gradient gradient(table);
  CHECK(!gradient.dense().add);
  gradient.clear();
  add_ones(gradient);
  CHECK(!gradient.empty());
  CHECK(!gradient.has_rows_only());
  CHECK(gradient.dense().add);
  add_ones(gradient);
  CHECK(numbers(gradient.array()) == Numbers(8, 2));
  CHECK(gradient.dense().view.shape == table);
}

TEST_CASE("the first array is shared, and never written through") {
  const Array first = Array::full(table, 3);
  Gradient a(table), b(table);
  a.add(first);
  b.add(first);
  CHECK(a.array().data() == first.data());
  a.add(Array::full(table, 1));
  add_ones(b);
  CHECK(numbers(first) == Numbers(8, 3));
  CHECK(numbers(a.array()) == Numbers(8, 4));
  CHECK(numbers(b.array()) == Numbers(8, 4));
}

TEST_CASE("numbers read from a gradient stay when more is added") {
  Gradient gradient(table);
  add_ones(gradient);
  const Array read = gradient.array();
  add_ones(gradient);
  gradient.add(Array::full(table, 1));
  gradient.clear();
  CHECK(numbers(read) == Numbers(8, 1));
}

TEST_CASE("rows add up by id, distinct and ascending") {
  Gradient gradient(table);
  gradient.add_rows(Ids(Shape{3}, {3, 1, 3}), Array(Shape{3, 2}, {1, 2, 3, 4, 5, 6}));
  CHECK(gradient.has_rows_only());
  CHECK(!gradient.empty());
  const TouchedRows rows = gradient.rows();
  CHECK(rows.ids.shape() == Shape{2});
  CHECK(numbers(rows.ids) == std::vector<std::int32_t>{1, 3});
  CHECK(rows.values.shape() == Shape{2, 2});
  CHECK(numbers(rows.values) == Numbers{3, 4, 6, 8});
  CHECK(numbers(gradient.array()) == Numbers{0, 0, 3, 4, 0, 0, 6, 8});

  gradient.add_rows(Ids(Shape{1, 2}, {0, 1}), Array(Shape{2, 2}, {10, 20, 30, 40}));
  CHECK(gradient.has_rows_only());
  CHECK(numbers(gradient.rows().ids) == std::vector<std::int32_t>{0, 1, 3});
  CHECK(numbers(gradient.array()) == Numbers{10, 20, 33, 44, 0, 0, 6, 8});
}

TEST_CASE("rows add up in the order in which they were added") {
  // 1e30 - 1e30 + 1 is 1; in any other order it is 0.
  Gradient gradient(Shape{2, 1});
  gradient.add_rows(Ids(Shape{2}, {1, 1}), Array(Shape{2, 1}, {real(1e30), real(-1e30)}));
  gradient.add_rows(Ids(Shape{1}, {1}), Array(Shape{1, 1}, {1}));
  CHECK(numbers(gradient.array()) == Numbers{0, 1});
}

TEST_CASE("rows after dense numbers, and dense numbers after rows") {
  const Ids ids(Shape{2}, {2, 0});
  const Array rows(Shape{2, 2}, {1, 2, 3, 4});
  const Numbers expected = {4, 5, 1, 1, 2, 3, 1, 1};

  Gradient dense_first(table);
  add_ones(dense_first);
  dense_first.add_rows(ids, rows);
  CHECK(!dense_first.has_rows_only());
  CHECK(numbers(dense_first.array()) == expected);
  CHECK(numbers(dense_first.array()) == expected);

  Gradient rows_first(table);
  rows_first.add_rows(ids, rows);
  add_ones(rows_first);
  CHECK(!rows_first.has_rows_only());
  CHECK(numbers(rows_first.array()) == expected);

  Gradient array_last(table);
  array_last.add_rows(ids, rows);
  array_last.add(Array::full(table, 1));
  CHECK(numbers(array_last.array()) == expected);

  Gradient mixed(table);
  mixed.add(Array::full(table, 1));
  mixed.add_rows(ids, rows);
  add_ones(mixed);
  mixed.add_rows(ids, rows);
  CHECK(numbers(mixed.array()) == Numbers{8, 10, 2, 2, 4, 6, 2, 2});
}

TEST_CASE("merging adds all of the other gradient, whatever either holds") {
  const Ids ids(Shape{1}, {1});
  const Array row(Shape{1, 2}, {5, 6});
  const auto make = [&](bool dense, bool rows) {
    Gradient gradient(table);
    if (dense) add_ones(gradient);
    if (rows) gradient.add_rows(ids, row);
    return gradient;
  };
  for (int left = 0; left < 4; ++left)
    for (int right = 0; right < 4; ++right) {
      CAPTURE(left);
      CAPTURE(right);
      Gradient sum = make(left & 1, left & 2);
      const Gradient other = make(right & 1, right & 2);
      sum.add(other);
      const real ones = static_cast<real>((left & 1) + (right & 1)),
                 rows = static_cast<real>((left >> 1) + (right >> 1));
      CHECK(numbers(sum.array()) ==
            Numbers{ones, ones, ones + 5 * rows, ones + 6 * rows, ones, ones, ones, ones});
      CHECK(sum.empty() == (left == 0 && right == 0));
      CHECK(sum.has_rows_only() == (((left | right) & 1) == 0 && ((left | right) & 2) != 0));
      CHECK(numbers(other.array()) == numbers(make(right & 1, right & 2).array()));
    }
}

TEST_CASE("a cleared gradient is as at first") {
  Gradient gradient(table);
  add_ones(gradient);
  gradient.add_rows(Ids(Shape{1}, {3}), Array(Shape{1, 2}, {5, 6}));
  gradient.clear();
  CHECK(gradient.empty());
  CHECK(!gradient.dense().add);
  gradient.clear();
  gradient.add_rows(Ids(Shape{1}, {3}), Array(Shape{1, 2}, {5, 6}));
  CHECK(gradient.has_rows_only());
}

TEST_CASE("gradients without rows, without elements, of vectors and of single numbers") {
  Gradient none(table);
  none.add_rows(Ids(), Array(Shape{0, 2}));
  CHECK(numbers(none.array()) == Numbers(8, 0));
  if (none.has_rows_only()) CHECK(none.rows().ids.count() == 0);

  Gradient narrow(Shape{3, 0});
  narrow.add_rows(Ids(Shape{2}, {2, 2}), Array(Shape{2, 0}));
  CHECK(narrow.array().count() == 0);

  Gradient vector(Shape{3});
  vector.add_rows(Ids(Shape{2}, {2, 2}), Array(Shape{2, 1}, {1, 4}));
  CHECK(numbers(vector.array()) == Numbers{0, 0, 5});

  Gradient cube(Shape{2, 2, 2});
  cube.add_rows(Ids(Shape{1}, {1}), Array(Shape{1, 4}, {1, 2, 3, 4}));
  CHECK(numbers(cube.array()) == Numbers{0, 0, 0, 0, 1, 2, 3, 4});

  Gradient number{Shape()};
  add_ones(number);
  number.add(Array(Shape(), {2}));
  CHECK(numbers(number.array()) == Numbers{3});
  CHECK_THROWS_WITH_AS(number.add_rows(Ids(Shape{1}, {0}), Array(Shape{1, 1}, {1})),
                       "Gradient: a scalar has no rows", ShapeError);

  Gradient empty_table(Shape{0, 2});
  CHECK(empty_table.array().count() == 0);
  CHECK_THROWS_AS(empty_table.add_rows(Ids(Shape{1}, {0}), Array(Shape{1, 0})), IndexError);
}

TEST_CASE("what does not fit is refused, and nothing is added") {
  Gradient gradient(table);
  CHECK_THROWS_WITH_AS(gradient.add(Array(Shape{2, 4})),
                       "Gradient: a contribution of shape (2, 4) to a gradient of shape (4, 2)",
                       ShapeError);
  CHECK_THROWS_AS(gradient.add(Gradient(Shape{8})), ShapeError);
  CHECK_THROWS_AS(gradient.add_rows(Ids(Shape{2}, {0, 1}), Array(Shape{1, 2})), ShapeError);
  CHECK_THROWS_AS(gradient.add_rows(Ids(Shape{1}, {0}), Array(Shape{1, 3})), ShapeError);
  CHECK_THROWS_AS(gradient.add_rows(Ids(Shape{1}, {0}), Array(Shape{2})), ShapeError);
  CHECK_THROWS_WITH_AS(gradient.add_rows(Ids(Shape{2}, {0, 4}), Array(Shape{2, 2})),
                       "Gradient: row 4 of a table of shape (4, 2)", IndexError);
  CHECK_THROWS_AS(gradient.add_rows(Ids(Shape{1}, {-1}), Array(Shape{1, 2})), IndexError);
  CHECK(gradient.empty());
}

TEST_CASE("rows and dense numbers give the same gradient, for random contributions") {
  Rng rng(support::seed());
  for (int trial = 0; trial < 100; ++trial) {
    const Index height = 1 + rng.below(9), width = rng.below(5);
    CAPTURE(height);
    CAPTURE(width);
    Gradient gradient(Shape{height, width});
    Numbers expected(static_cast<std::size_t>(height * width), 0);
    for (Index parts = rng.below(5); parts > 0; --parts) {
      if (rng.below(4) == 0) {
        gradient.add(Array::full(Shape{height, width}, 1));
        for (real& x : expected) x += 1;
        continue;
      }
      std::vector<std::int64_t> ids(static_cast<std::size_t>(rng.below(12)));
      for (std::int64_t& id : ids) id = rng.below(height);
      const auto count = static_cast<Index>(ids.size());
      Array rows(Shape{count, width});
      for (real& x : rows.mutable_values()) x = static_cast<real>(rng.below(100));
      gradient.add_rows(Ids(Shape{count}, ids), rows);
      for (std::size_t i = 0; i < ids.size(); ++i)
        for (Index j = 0; j < width; ++j)
          expected[static_cast<std::size_t>(ids[i] * width + j)] +=
              rows.at(static_cast<Index>(i) * width + j);
    }
    CHECK(numbers(gradient.array()) == expected);
    if (!gradient.has_rows_only()) continue;
    const std::vector<std::int32_t> ids = numbers(gradient.rows().ids);
    CHECK(std::ranges::adjacent_find(ids, std::greater_equal()) == ids.end());
  }
}
