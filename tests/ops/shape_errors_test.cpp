// Every refusal of an op's arguments, word for word.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::of;
using support::refusal;

TEST_CASE("arithmetic refuses shapes that do not broadcast") {
  struct Row {
    const char* name;
    Tensor (*op)(const Tensor&, const Tensor&);
  };
  for (const auto& [name, function] : {Row{"add", add}, Row{"subtract", subtract},
                                       Row{"multiply", multiply}, Row{"divide", divide}}) {
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({2, 3}), of({4}));
          }) == std::string(name) +
                    ": shapes (2, 3) and (4,) do not broadcast: aligned at the last axis, sizes 3 "
                    "and 4 must be equal or one of them 1");
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({2, 3}), of({0, 3}));
          }) == std::string(name) +
                    ": shapes (2, 3) and (0, 3) do not broadcast: aligned at the last axis, sizes "
                    "2 and 0 must be equal or one of them 1");
  }
}

TEST_CASE("matmul refuses single numbers, and vectors whose size is not the inner one") {
  CHECK(refusal<ShapeError>([] {
          matmul(of({3, 4}), of({}));
        }) == "matmul: a is (3, 4), b is (); both need at least one axis (for a scalar use *)");
  CHECK(refusal<ShapeError>([] {
          matmul(of({3}), of({4, 3}));
        }) ==
        "matmul: inner sizes differ: a is (3,), b is (4, 3); the last size of a must equal the "
        "second-to-last of b");
  CHECK(refusal<ShapeError>([] {
          matmul(of({3, 4}), of({3}), {.transpose_b = true});
        }) ==
        "matmul: inner sizes differ: a is (3, 4), b is (3,); the last size of a must equal the "
        "last of b");
}

TEST_CASE("matmul refuses inner sizes that differ, for each orientation of its operands") {
  CHECK(refusal<ShapeError>([] {
          matmul(of({32, 64}), of({128, 10}));
        }) ==
        "matmul: inner sizes differ: a is (32, 64), b is (128, 10); the last size of a must equal "
        "the second-to-last of b");
  CHECK(refusal<ShapeError>([] {
          matmul(of({32, 64}), of({128, 10}), {.transpose_a = true});
        }) ==
        "matmul: inner sizes differ: a is (32, 64) transposed, b is (128, 10); the second-to-last "
        "size of a must equal the second-to-last "
        "of b");
  CHECK(refusal<ShapeError>([] {
          matmul(of({32, 64}), of({128, 10}), {.transpose_b = true});
        }) ==
        "matmul: inner sizes differ: a is (32, 64), b is (128, 10) transposed; the last size of a "
        "must equal the last of b");
  CHECK(refusal<ShapeError>([] {
          matmul(of({32, 64}), of({128, 10}), {.transpose_a = true, .transpose_b = true});
        }) ==
        "matmul: inner sizes differ: a is (32, 64) transposed, b is (128, 10) transposed; the "
        "second-to-last size of a must equal the last "
        "of b");
}

TEST_CASE("matmul refuses leading axes that do not broadcast") {
  CHECK(refusal<ShapeError>([] {
          matmul(of({2, 5, 3}), of({4, 3, 6}));
        }) ==
        "matmul, leading axes: shapes (2,) and (4,) do not broadcast: aligned at the last axis, "
        "sizes 2 and 4 must be equal or one of them "
        "1");
}

TEST_CASE("reductions refuse an axis named twice, or one that the tensor does not have") {
  CHECK(refusal<ShapeError>([] {
          sum(of({2, 3}), {0, -2});
        }) == "sum: an axis of (2, 3) is named twice in (0, -2)");
  CHECK(refusal<ShapeError>([] {
          mean(of({2, 3}), {1, 1});
        }) == "mean: an axis of (2, 3) is named twice in (1, 1)");
  CHECK(refusal<ShapeError>([] {
          max(of({2, 3}), {-1, 1});
        }) == "max: an axis of (2, 3) is named twice in (-1, 1)");
  CHECK(refusal<IndexError>([] {
          sum(of({2, 3}), 2);
        }) == "sum: axis 2 of shape (2, 3): there are axes -2 to 1");
  CHECK(refusal<IndexError>([] {
          max(of({2, 3}), -3);
        }) == "max: axis -3 of shape (2, 3): there are axes -2 to 1");
}

TEST_CASE("mean and max refuse an axis of size 0") {
  CHECK(refusal<ValueError>([] {
          mean(of({2, 0}), 1);
        }) == "mean: over an axis of size 0 of (2, 0), where there is no mean");
  CHECK(refusal<ValueError>([] {
          max(of({0, 2}));
        }) == "max: over an axis of size 0 of (0, 2), where there is no max");
}

TEST_CASE("clip refuses bounds in the wrong order, and NaN") {
  CHECK(refusal<ValueError>([] { clip(of({2}), 1, real(-0.5)); }) ==
        "clip: low is 1, high is -0.5; low must not be above high");
  CHECK(refusal<ValueError>([] { clip(of({2}), std::numeric_limits<real>::quiet_NaN(), 1); }) ==
        "clip: low is nan, high is 1; low must not be above high");
}

TEST_CASE("reshape refuses sizes of another number of elements") {
  CHECK(refusal<ShapeError>([] {
          reshape(of({2, 3}), {4, 2});
        }) == "reshape: (2, 3) has 6 elements, (4, 2) has 8; the numbers must be equal");
  CHECK(refusal<ShapeError>([] {
          reshape(of({2, 3}), {});
        }) == "reshape: (2, 3) has 6 elements, () has 1; the numbers must be equal");
}

TEST_CASE("reshape refuses what one open size cannot mend, and more than one of them") {
  CHECK(refusal<ShapeError>([] {
          reshape(of({2, 3}), {-1, 4});
        }) == "reshape: (2, 3) has 6 elements, which the other sizes of (-1, 4) do not divide");
  CHECK(refusal<ShapeError>([] {
          reshape(of({0, 3}), {0, -1});
        }) == "reshape: (0, 3) has 0 elements, which the other sizes of (0, -1) do not divide");
  CHECK(refusal<ShapeError>([] {
          reshape(of({2, 3}), {-1, 2, -1});
        }) == "reshape: more than one size of (-1, 2, -1) is -1");
  CHECK(refusal<ShapeError>([] {
          reshape(of({2, 3}), {-2, 3});
        }) == "Shape: a size is negative: (-2, 3)");
}

TEST_CASE("permute_dims refuses an order that does not name each axis once") {
  CHECK(refusal<ShapeError>([] {
          permute_dims(of({2, 3, 4}), {1, 0});
        }) == "permute_dims: the order (1, 0) must name each of the 3 axes of (2, 3, 4) once");
  CHECK(refusal<ShapeError>([] { permute_dims(of({2}), {}); }) ==
        "permute_dims: the order () must name each of the 1 axes of (2,) once");
  CHECK(refusal<ShapeError>([] {
          permute_dims(of({2, 3}), {1, -1});
        }) == "permute_dims: an axis of (2, 3) is named twice in (1, -1)");
  CHECK(refusal<IndexError>([] {
          permute_dims(of({2, 3}), {0, 2});
        }) == "permute_dims: axis 2 of shape (2, 3): there are axes -2 to 1");
}

TEST_CASE("transpose refuses an axis that the tensor does not have") {
  CHECK(refusal<IndexError>([] { transpose(of({3})); }) ==
        "transpose: axis -2 of shape (3,): there are axes -1 to 0");
}

TEST_CASE("slice refuses a part outside of the axis") {
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), 0, 2, 5);
        }) ==
        "slice: [2, 5) of axis 0 of (4, 3), whose size is 4; it must be 0 <= begin <= end <= 4");
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), -1, -1, 2);
        }) ==
        "slice: [-1, 2) of axis -1 of (4, 3), whose size is 3; it must be 0 <= begin <= end <= 3");
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), 1, 2, 1);
        }) ==
        "slice: [2, 1) of axis 1 of (4, 3), whose size is 3; it must be 0 <= begin <= end <= 3");
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), 2, 0, 1);
        }) == "slice: axis 2 of shape (4, 3): there are axes -2 to 1");
}

TEST_CASE("concat refuses nothing at all, and shapes that differ elsewhere") {
  CHECK(refusal<ValueError>([] { concat({}); }) ==
        "concat: no tensors are given; give at least one");
  CHECK(refusal<ShapeError>([] {
          concat({of({2, 3}), of({2, 4}), of({3, 3})}, -1);
        }) ==
        "concat along axis -1: (3, 3) does not fit (2, 3); all sizes but that axis must be equal");
  CHECK(
      refusal<ShapeError>([] {
        concat({of({2, 3}), of({2, 3, 1})}, 0);
      }) ==
      "concat along axis 0: (2, 3, 1) does not fit (2, 3); all sizes but that axis must be equal");
  CHECK(refusal<IndexError>([] {
          concat({of({2, 3})}, 2);
        }) == "concat: axis 2 of shape (2, 3): there are axes -2 to 1");
}

TEST_CASE("gather_rows refuses a table without rows, and ids that name none") {
  CHECK(refusal<ShapeError>([] { gather_rows(of({}), Ids({1}, {0})); }) ==
        "gather_rows: the table is a scalar; it needs rows");
  CHECK(refusal<IndexError>([] {
          gather_rows(of({10, 4}), Ids({2, 3}, {0, 1, 2, 3, 10, 5}));
        }) == "gather_rows: the id at position 4 of (2, 3) is 10; the table has rows 0 to 9");
  CHECK(refusal<IndexError>([] {
          gather_rows(of({10, 4}), Ids({2}, {-1, 0}));
        }) == "gather_rows: the id at position 0 of (2,) is -1; the table has rows 0 to 9");
}

TEST_CASE("cross-entropy refuses labels of another shape, and labels that are no class") {
  for (const auto& [name, function] :
       {std::pair{"sparse_categorical_crossentropy", &sparse_categorical_crossentropy},
        std::pair{"sparse_categorical_crossentropy_from_probabilities",
                  &sparse_categorical_crossentropy_from_probabilities}}) {
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({32, 10}), Ids({2}, {0, 1}), {});
          }) == std::string(name) +
                    ": predictions are (32, 10), labels (2,); labels must have the predictions' "
                    "shape without its last axis, the classes");
    CHECK(refusal<ShapeError>([&, op = function] { op(of({}), Ids({}, {0}), {}); }) ==
          std::string(name) +
              ": predictions are (), labels (); labels must have the predictions' shape without "
              "its last axis, the classes");
    CHECK(refusal<IndexError>([&, op = function] {
            op(of({3, 10}), Ids({3}, {0, 10, 1}), {});
          }) == std::string(name) + ": the label at position 1 is 10; there are classes 0 to 9");
    CHECK(refusal<IndexError>([&, op = function] {
            op(of({3, 10}), Ids({3}, {0, 9, -1}), {});
          }) == std::string(name) + ": the label at position 2 is -1; there are classes 0 to 9");
  }
}

TEST_CASE(
    "softmax and log_softmax refuse a mask that does not broadcast, and an axis that the tensor "
    "does not have") {
  for (const auto& [name, function] :
       {std::pair{"softmax", &softmax}, std::pair{"log_softmax", &log_softmax}}) {
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({2, 3}), -1, Mask(Shape{2, 2}));
          }) == std::string(name) +
                    ": a mask of shape (2, 2) does not broadcast to (2, 3): aligned at the last "
                    "axis, each size must be equal or 1");
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({3}), -1, Mask(Shape{1, 3}));
          }) == std::string(name) +
                    ": a mask of shape (1, 3) does not broadcast to (3,): aligned at the last "
                    "axis, each size must be equal or 1");
    CHECK(refusal<IndexError>([&, op = function] {
            op(of({2, 3}), 2, {});
          }) == std::string(name) + ": axis 2 of shape (2, 3): there are axes -2 to 1");
    CHECK(refusal<IndexError>([&, op = function] { op(of({}), -1, {}); }) ==
          std::string(name) + ": axis -1 of shape (): a scalar has no axes");
  }
}

TEST_CASE("dropout refuses a rate outside of 0 to 1, and NaN") {
  CHECK(refusal<ValueError>([] { dropout(of({2}), real(1.5), Rng(1)); }) ==
        "dropout: the rate is 1.5; it must be 0 to 1");
  CHECK(refusal<ValueError>([] { dropout(of({2}), real(-0.5), Rng(1)); }) ==
        "dropout: the rate is -0.5; it must be 0 to 1");
  CHECK(refusal<ValueError>([] {
          dropout(of({2}), std::numeric_limits<real>::quiet_NaN(), Rng(1));
        }) == "dropout: the rate is nan; it must be 0 to 1");
}
