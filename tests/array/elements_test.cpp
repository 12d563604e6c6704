#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/base/error.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

template <class Any>
std::vector<double> numbers(const Any& array) {
  return {array.values().begin(), array.values().end()};
}

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("braces give an axis for each pair") {
  CHECK(Array{1, 2.5, 3u}.shape() == Shape{3});
  const Array x = {{1, 2, 3}, {4, 5, 6}};
  CHECK(x.shape() == Shape{2, 3});
  CHECK(numbers(x) == Doubles{1, 2, 3, 4, 5, 6});
  CHECK(Array{{1}, {2}}.shape() == Shape{2, 1});
  CHECK(Array{{{1, 2}, {3, 4}}}.shape() == Shape{1, 2, 2});
  CHECK(Array{{}, {}}.shape() == Shape{2, 0});
  CHECK(Array({2, 3}).shape() == Shape{2});  // values, not sizes
  CHECK(Array(Shape{2, 3}).shape() == Shape{2, 3});
  CHECK(numbers(Ids{{1}, {-2}}) == Doubles{1, -2});
  CHECK(numbers(Mask{{1, 0}, {7, 0.5}}) == Doubles{1, 0, 1, 1});
  CHECK(refusal<ShapeError>([] {
          Array{{1, 2}, {3}};
        }) == "Array: a list of 1 stands beside a list of 2; they must be equal");
  CHECK(refusal<ShapeError>([] {
          Ids{{1, 2}, 3};
        }) == "Ids: a number stands beside a list of numbers");
  CHECK_THROWS_AS((Array{1, {2}}), ShapeError);
  CHECK_THROWS_AS((Array{{{{{{{1}}}}}}}), ShapeError);  // seven axes
}

TEST_CASE("lists of any number type are converted, with a shape or without") {
  const std::vector<double> doubles = {1, 2.5, -3, 4};
  CHECK(Array(doubles).shape() == Shape{4});
  CHECK(numbers(Array(Shape{2, 2}, doubles)) == doubles);
  CHECK(numbers(Array(std::span<const double>(doubles).first(2))) == Doubles{1, 2.5});
  CHECK(numbers(Array(std::array<std::size_t, 2>{7, 8})) == Doubles{7, 8});
  CHECK(numbers(Array(std::vector<real>{1, 2})) == Doubles{1, 2});
  CHECK(numbers(Ids(std::vector<std::size_t>{7, 8})) == Doubles{7, 8});
  CHECK(numbers(Ids(std::vector<double>{7, -8})) == Doubles{7, -8});
  CHECK(numbers(Mask(std::vector<bool>{true, false})) == Doubles{1, 0});
  CHECK(numbers(Mask(std::vector<std::uint8_t>{255, 0})) == Doubles{1, 0});
  const Array rows(std::vector<std::vector<float>>{{1, 2, 3}, {4, 5, 6}});
  CHECK(rows.shape() == Shape{2, 3});
  CHECK(rows(1, 0) == 4);
  CHECK(Array(std::vector<std::vector<int>>{}).shape() == Shape{0, 0});
  CHECK(refusal<ShapeError>([] {
          Array(std::vector<std::vector<int>>{{1, 2}, {3}});
        }) == "Array: a row of shape (2,) got one of shape (1,); they must be equal");
  CHECK(refusal<ShapeError>([&] { Array(Shape{3}, doubles); }) ==
        "Array: 4 values given for shape (3,), which has 3");
}

TEST_CASE("numbers that the array's type cannot represent are rejected, with their position") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(refusal<ValueError>([] {
          Ids{1, 2.5};
        }) == "Ids: the value at position 1 is 2.5, which is no integer; round it first");
  CHECK(refusal<ValueError>([] {
          Ids(std::vector<std::size_t>{0, std::size_t(1) << 63});
        }) == "Ids: the value at position 1 is 9223372036854775808, which does not fit 32 bits");
  CHECK_THROWS_AS(Ids{std::nan("")}, ValueError);
  CHECK_THROWS_AS(Ids{2147483648.0}, ValueError);
  CHECK_THROWS_AS(Ids{-2147483649}, ValueError);
  CHECK(Ids{-2147483648, 2147483647.0}(0) == std::numeric_limits<std::int32_t>::min());
  CHECK(std::isnan(Array{std::nan("")}(0)));
  CHECK(Array{-infinity}(0) == -infinity);
  CHECK(Array{0.1}(0) == real(0.1));
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  CHECK_THROWS_AS(Array{most}, ValueError);
  CHECK(Array{std::int64_t(-1) << 62}(0) == real(-0x1p62));
  if (sizeof(real) == 4) {
    CHECK(refusal<ValueError>([] {
            Array(Doubles{0, 1e300});
          }) == "Array: the value at position 1 is 1e+300, which does not fit a float");
    CHECK(refusal<ValueError>([] {
            Array{1, -16777217};
          }) ==
          "Array: the value at position 1 is -16777217, which a float does not hold exactly; pass "
          "it as a double to round it");
    CHECK(Array{16777218, 16777217.0}(1) == 16777216);
  }
}

TEST_CASE("x(i, j) reads and writes the element at a position of each axis") {
  for (Index trial = 0; trial < 40; ++trial) {
    support::Generate generate("positions", trial);
    const Index a = generate.integer(1, 4), b = generate.integer(1, 4), c = generate.integer(1, 4);
    Array x = generate.array(Shape{a, b, c}, {-1, 1});
    const Array before = x;
    const Index i = generate.integer(0, a - 1), j = generate.integer(0, b - 1),
                k = generate.integer(0, c - 1);
    CHECK(before(i, j, k) == x.at((i * b + j) * c + k));
    CHECK(before[i][j][k] == before(i, j, k));
    x(i, j, k) = 7;
    CHECK(x.at((i * b + j) * c + k) == 7);
    CHECK(before(i, j, k) != 7);
  }
  CHECK(Array(Shape(), {4})() == 4);
  CHECK(Array::zeros({2})(1u) == 0);
  CHECK(Array{5}.item() == 5);
}

TEST_CASE("positions that do not exist are rejected") {
  Array x = Array::zeros({2, 3});
  CHECK(refusal<IndexError>([&] { x(1, 3) = 1; }) ==
        "Array: position (1, 3) of shape (2, 3): axis 1 has 3 positions, from 0");
  CHECK(refusal<IndexError>([&] { x(-1, 0); }) ==
        "Array: position (-1, 0) of shape (2, 3): axis 0 has 2 positions, from 0");
  CHECK(refusal<IndexError>([&] { x(1); }) ==
        "Array: 1 positions given for shape (2, 3), which has 2 axes");
  CHECK(refusal<IndexError>([&] { x[2]; }) == "Array: row 2 of shape (2, 3), which has 2 rows");
  CHECK(refusal<IndexError>([&] { x[1][std::size_t(0) - 1]; }) ==
        "Array: row -1 of shape (3,), which has 3 rows");
  CHECK_THROWS_AS(static_cast<void>(static_cast<real>(x[0])), IndexError);
  CHECK_THROWS_AS(Array(Shape(), {4})[0], IndexError);
  CHECK(refusal<ShapeError>([&] { x.item(); }) ==
        "Array::item: shape (2, 3) has 6 elements; only one has an item");
}

TEST_CASE("a row is read, written, copied and passed over") {
  Array x = {{1, 2, 3}, {4, 5, 6}};
  const Array before = x;
  const Array row = before[1];
  CHECK(numbers(row) == Doubles{4, 5, 6});
  x[0] = before[1];
  CHECK(numbers(x) == Doubles{4, 5, 6, 4, 5, 6});
  x[1] = Array{7, 8, 9};
  x[0] = 2;
  x[0][1] = x[1][2];
  CHECK(numbers(x) == Doubles{2, 9, 2, 7, 8, 9});
  CHECK(numbers(before) == Doubles{1, 2, 3, 4, 5, 6});
  CHECK(row(2) == 6);
  CHECK(refusal<ShapeError>([&] {
          x[0] = Array{1, 2};
        }) == "Array: a row of shape (3,) got one of shape (2,); they must be equal");
  real sum = 0;
  for (const auto one : before)
    for (const real value : one) sum += value;
  CHECK(sum == 21);
  for (auto one : x) one = 1;
  CHECK(numbers(x) == Doubles{1, 1, 1, 1, 1, 1});
  const Ids labels = {3, 1};
  std::vector<std::int32_t> read;
  for (const std::int32_t label : labels) read.push_back(label);
  CHECK(read == std::vector<std::int32_t>{3, 1});
  CHECK(labels[1] == 1);
  CHECK(numbers(Array({{1, 2}, {3, 4}})[1]) == Doubles{3, 4});
  int rows = 0;
  for ([[maybe_unused]] const auto one : Array(Shape{3, 0})) ++rows;
  CHECK(rows == 3);
  for ([[maybe_unused]] const auto one : Array()) ++rows;
  CHECK(rows == 3);
}
