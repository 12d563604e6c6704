// Every refusal of the ops that move numbers, of products and of what layers are made of, word for
// word.
#include <doctest/doctest.h>

#include <string>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::of;
using support::refusal;

TEST_CASE("squeeze, expand_dims and broadcast_to refuse what does not fit") {
  CHECK(refusal<ShapeError>([] {
          squeeze(of({1, 3}), -1);
        }) == "squeeze: axis 1 of (1, 3) has size 3; only an axis of size 1 can be removed");
  CHECK(refusal<ShapeError>([] {
          squeeze(of({1, 3}), {0, -2});
        }) == "squeeze: an axis of (1, 3) is named twice in (0, -2)");
  CHECK(refusal<IndexError>([] {
          expand_dims(of({1, 3}), 3);
        }) == "expand_dims: a new axis 3 of shape (1, 3): it may be -3 to 2");
  CHECK(refusal<ShapeError>([] {
          broadcast_to(of({2, 3}), {3});
        }) ==
        "broadcast_to: (2, 3) does not broadcast to (3,): aligned at the last axis, each size must "
        "be equal or 1");
}

TEST_CASE("stack and split refuse what does not fit") {
  CHECK(refusal<ValueError>([] { stack({}); }) == "stack: no tensors are given; give at least one");
  CHECK(refusal<ShapeError>([] {
          stack({of({2}), of({3})});
        }) == "stack: (3,) does not fit (2,); all shapes must be equal");
  CHECK(refusal<IndexError>([] { stack({of({2})}, 2); }) ==
        "stack: a new axis 2 of shape (2,): it may be -2 to 1");
  CHECK(refusal<ShapeError>([] {
          split(of({5, 2}), 2, 0);
        }) == "split: axis 0 of (5, 2) has size 5, which 2 parts do not divide");
  CHECK(refusal<ShapeError>([] {
          split(of({5, 2}), 0, 0);
        }) == "split: axis 0 of (5, 2) has size 5, which 0 parts do not divide");
  CHECK(refusal<ShapeError>([] {
          split(of({5, 2}), {2, 2}, 0);
        }) == "split: axis 0 of (5, 2) has size 5; the parts (2, 2) have 4");
  CHECK(refusal<ValueError>([] {
          split(of({5}), {6, -1});
        }) == "split: a size of (6, -1) is negative");
}

TEST_CASE("slice refuses ranges beyond their axis, backwards, or without a step") {
  CHECK(refusal<ShapeError>([] {
          slice(of({4}), {{}, {}});
        }) == "slice: 2 ranges for (4,), which has 1 axes");
  CHECK(refusal<ValueError>([] { slice(of({4}), {{.step = 0}}); }) ==
        "slice: the step of ::0 is 0; use repeat to repeat an element");
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), {{0, 5}});
        }) == "slice: 0:5:1 of axis 0 of (4, 3), whose size is 4");
  CHECK(refusal<IndexError>([] {
          slice(of({4, 3}), {{}, {-4}});
        }) == "slice: -4::1 of axis 1 of (4, 3), whose size is 3");
  CHECK(refusal<IndexError>([] {
          slice(of({4}), {{3, 1}});
        }) == "slice: 3:1:1 of axis 0 of (4,), whose size is 4");
  CHECK(refusal<IndexError>([] {
          slice(of({4}), {{4, {}, -1}});
        }) == "slice: 4::-1 of axis 0 of (4,), whose size is 4");
  CHECK(refusal<IndexError>([] {
          slice(of({4}), {{1, 3, -1}});
        }) == "slice: 1:3:-1 of axis 0 of (4,), whose size is 4");
  CHECK(refusal<IndexError>([] {
          slice(of({4}), {{2, -5, -1}});
        }) == "slice: 2:-5:-1 of axis 0 of (4,), whose size is 4");
}

TEST_CASE("pad, repeat and tile refuse what does not fit") {
  CHECK(refusal<ShapeError>([] {
          pad(of({4, 3}), {{1, 1}});
        }) == "pad: 1 widths for (4, 3), which has 2 axes; each axis needs one");
  CHECK(refusal<ValueError>([] {
          pad(of({4}), {{-1, 2}});
        }) == "pad: the widths of axis 0 are -1 and 2; use slice to cut");
  CHECK(refusal<ValueError>([] { repeat(of({4}), -1); }) ==
        "repeat: the count is -1; it must be at least 0");
  CHECK(refusal<ShapeError>([] {
          tile(of({4}), {1, 2});
        }) == "tile: 2 counts for (4,), which has 1 axes; each axis needs one");
  CHECK(refusal<ValueError>([] { tile(of({4}), {-1}); }) == "tile: a count of (-1) is negative");
}

TEST_CASE(
    "take, take_along_axis, scatter_add and one_hot refuse ids that name nothing, and shapes that "
    "do "
    "not fit") {
  CHECK(refusal<IndexError>([] {
          take(of({4, 3}), Ids({2}, {0, 3}), -1);
        }) == "take: the id at position 1 of (2,) is 3; axis -1 of (4, 3) has positions 0 to 2");
  CHECK(refusal<ShapeError>([] {
          take_along_axis(of({4, 3}), Ids({2}, {0, 1}));
        }) ==
        "take_along_axis: x is (4, 3), ids are (2,); all sizes but that of axis -1 must be equal");
  CHECK(refusal<IndexError>([] {
          take_along_axis(of({1, 3}), Ids({1, 2}, {0, -1}));
        }) ==
        "take_along_axis: the id at position 1 of (1, 2) is -1; axis -1 of (1, 3) has positions 0 "
        "to 2");
  CHECK(refusal<ShapeError>([] { scatter_add(of({}), Ids({}, {0}), of({})); }) ==
        "scatter_add: x is a scalar; it needs rows");
  CHECK(refusal<ShapeError>([] {
          scatter_add(of({4, 3}), Ids({2}, {0, 1}), of({2, 4}));
        }) ==
        "scatter_add: x is (4, 3), ids are (2,), updates (2, 4); updates must be one row of x for "
        "each id");
  CHECK(refusal<IndexError>([] {
          scatter_add(of({4, 3}), Ids({1}, {4}), of({1, 3}));
        }) == "scatter_add: the id at position 0 of (1,) is 4; x has rows 0 to 3");
  CHECK(refusal<IndexError>([] { one_hot(Ids({1}, {-1}), 3); }) ==
        "one_hot: the id at position 0 of (1,) is -1; there are classes 0 to 2");
  CHECK(refusal<ValueError>([] { one_hot(Ids({1}, {0}), -1); }) ==
        "one_hot: -1 classes; it must be at least 0");
}

TEST_CASE("dot and einsum refuse what does not fit, and say what they do not know") {
  CHECK(refusal<ShapeError>([] { dot(of({3}), of({4})); }) ==
        "dot: a is (3,), b is (4,); the last size of a must equal the last of b");
  CHECK(refusal<ShapeError>([] { dot(of({}), of({4})); }) ==
        "dot: a is (), b is (4,); the last size of a must equal the last of b");
  CHECK(refusal<ShapeError>([] {
          dot(of({2, 3}), of({4, 3}));
        }) ==
        "dot: shapes (2, 3) and (4, 3) do not broadcast: aligned at the last axis, sizes 2 and 4 "
        "must be equal or one of them 1");
  CHECK(refusal<ShapeError>([] {
          einsum("ij,jk", {of({2, 3})});
        }) == "einsum: \"ij,jk\" names 2 operands, and 1 are given");
  CHECK(refusal<ShapeError>([] { einsum("ij->i", {of({2})}); }) ==
        "einsum: operand 0 of \"ij->i\" is (2,); \"ij\" names 2 axes");
  CHECK(refusal<ShapeError>([] {
          einsum("ij,jk", {of({2, 3}), of({4, 5})});
        }) == "einsum: 'j' of \"ij,jk\" has size 4 in operand 1, and 3 before");
  CHECK(refusal<ShapeError>([] {
          einsum("ii->i", {of({2, 3})});
        }) == "einsum: 'i' of \"ii->i\" has size 3 in operand 0, and 2 before");
  CHECK(
      refusal<ValueError>([] {
        einsum("ij->ii", {of({2, 2})});
      }) ==
      "einsum: 'i' occurs twice in the result of \"ij->ii\"; a diagonal can be taken of an operand "
      "only");
  CHECK(refusal<ShapeError>([] { einsum("...ij->...", {of({2})}); }) ==
        "einsum: operand 0 of \"...ij->...\" is (2,); \"...ij\" names 2 axes");
  CHECK(refusal<ShapeError>([] {
          einsum("...i,...i", {of({2, 3}), of({4, 3})});
        }) == "einsum: an axis of \"...\" of \"...i,...i\" has size 4 in operand 1, and 2 before");
  CHECK(refusal<ValueError>([] {
          einsum("ij->k", {of({2, 2})});
        }) == "einsum: 'k' of the result of \"ij->k\" is in no operand");
  CHECK(refusal<ValueError>([] {
          einsum("...i->i", {of({2, 2})});
        }) == "einsum: the result of \"...i->i\" has no \"...\" for the axes of that name; add it");
  CHECK(refusal<ValueError>([] {
          einsum("..i->i", {of({2, 2})});
        }) ==
        "einsum: '.' in \"..i->i\" is no subscript; they are letters and \"...\" once in a term, "
        "with "
        "commas between operands and -> before the result");
  CHECK(refusal<ValueError>([] { einsum("i->i->i", {of({2})}); }) ==
        "einsum: '-' in \"i->i->i\" is no subscript; they are letters and \"...\" once in a term, "
        "with "
        "commas between operands and -> before the result");
}

TEST_CASE("linear says what weight and bias must be, and that there is no such activation") {
  CHECK(refusal<ShapeError>([] {
          linear(of({}), of({1, 1}));
        }) == "linear: x is a scalar; it must be (..., inputs)");
  CHECK(refusal<ShapeError>([] {
          linear(of({2, 3}), of({4, 5}));
        }) == "linear: x is (2, 3), weight (4, 5); the weight must be (3, units)");
  CHECK(refusal<ShapeError>([] {
          linear(of({2, 3}), of({3}));
        }) == "linear: x is (2, 3), weight (3,); the weight must be (3, units)");
  CHECK(refusal<ShapeError>([] {
          linear(of({2, 3}), of({3, 5}), of({1, 5}));
        }) == "linear: weight is (3, 5), bias (1, 5); the bias must be (5,), or omitted");
  CHECK(refusal<ValueError>([] {
          linear(of({2, 3}), of({3, 5}), {}, Activation(99));
        }) == "Activation: there is none with the value 99");
  CHECK(refusal<ValueError>([] {
          activate(of({2, 3}), Activation(10));
        }) == "Activation: there is none with the value 10");
}

TEST_CASE("norms refuse parameters of another width") {
  CHECK(refusal<ShapeError>([] { layer_norm(of({}), of({1}), of({1})); }) ==
        "layer_norm: x is a scalar; it needs an axis to normalise");
  CHECK(refusal<ShapeError>([] {
          layer_norm(of({2, 3}), of({2}), of({3}));
        }) == "layer_norm: x is (2, 3), gamma is (2,); it must be (3,), the last size of x");
  CHECK(refusal<ShapeError>([] {
          layer_norm(of({2, 3}), of({3}), of({}));
        }) == "layer_norm: x is (2, 3), beta is (); it must be (3,), the last size of x");
  CHECK(refusal<ShapeError>([] {
          rms_norm(of({2, 3}), of({1, 3}));
        }) == "rms_norm: x is (2, 3), gamma is (1, 3); it must be (3,), the last size of x");
  CHECK(refusal<ValueError>([] {
          rms_norm(of({2, 3}), of({3}), -1);
        }) == "rms_norm: epsilon is -1; it must be at least 0");
}

TEST_CASE("convolutions and pooling refuse what does not fit") {
  CHECK(refusal<ShapeError>([] {
          conv1d(of({2, 3}), of({2, 3, 4}));
        }) == "conv1d: x is (2, 3); it must be (batch, time, channels)");
  CHECK(refusal<ShapeError>([] {
          conv1d(of({2, 9, 3}), of({2, 4, 5}));
        }) == "conv1d: x is (2, 9, 3), kernel (2, 4, 5); the kernel must be (width, 3, filters)");
  CHECK(refusal<ShapeError>([] {
          conv1d(of({2, 4, 3}), of({3, 3, 5}), {.dilation_rate = 2});
        }) ==
        "conv1d: a sample of x is (4, 3), and a window reaches over 5 along its axis 0; pad it, or "
        "use Padding::same");
  CHECK(refusal<ValueError>([] {
          conv1d(of({2, 4, 3}), of({3, 3, 5}), {.strides = 0});
        }) == "conv1d: window 3, strides 0, dilation_rate 1; each must be at least 1");
  CHECK(refusal<ValueError>([] {
          conv1d(of({2, 4, 3}), of({3, 3, 5}), {.padding = static_cast<Padding>(9)});
        }) == "conv1d: there is no Padding with the value 9");
  CHECK(refusal<ShapeError>([] {
          conv2d(of({2, 4, 3}), of({3, 3, 3, 5}));
        }) == "conv2d: x is (2, 4, 3); it must be (batch, rows, columns, channels)");
  CHECK(refusal<ShapeError>([] {
          conv2d(of({2, 4, 4, 3}), of({3, 3, 2, 5}));
        }) ==
        "conv2d: x is (2, 4, 4, 3), kernel (3, 3, 2, 5); the kernel must be (height, width, 3, "
        "filters)");
  CHECK(refusal<ValueError>([] {
          conv2d(of({2, 4, 4, 3}), of({3, 3, 3, 5}), {.padding = Padding::causal});
        }) == "conv2d: causal padding is for conv1d");
  CHECK(refusal<ValueError>([] {
          max_pool1d(of({2, 4, 3}), {.padding = Padding::causal});
        }) == "max_pool1d: causal padding is for conv1d");
  CHECK(refusal<ShapeError>([] {
          average_pool1d(of({2, 1, 3}));
        }) ==
        "average_pool1d: a sample of x is (1, 3), and a window reaches over 2 along its axis 0; "
        "pad it, or use Padding::same");
  CHECK(refusal<ShapeError>([] {
          max_pool2d(of({2, 4, 3}));
        }) == "max_pool2d: x is (2, 4, 3); it must be (batch, rows, columns, channels)");
  CHECK(refusal<ValueError>([] {
          average_pool2d(of({2, 4, 4, 3}), {.pool_size = {0, 2}});
        }) == "average_pool2d: window 0, strides 0, dilation_rate 1; each must be at least 1");
}

TEST_CASE("additive_pool says which of its sizes do not fit") {
  CHECK(refusal<ShapeError>([] {
          additive_pool(of({2, 3, 4}), of({5, 6}), of({6}), of({5, 6}), of({6}), of({6, 1}));
        }) ==
        "additive_pool: x is (2, 3, 4), W1 (5, 6), W2 (5, 6), v (6, 1); they must be (batch, time, "
        "features), (features, units) twice, and (units, 1)");
  CHECK(refusal<ShapeError>([] {
          additive_pool(of({2, 3, 4}), of({4, 6}), of({3}), of({4, 6}), of({6}), of({6, 1}));
        }) ==
        "additive_pool: b1 is (3,), b2 (6,); with 6 units both must be (6,), or both omitted");
  CHECK(refusal<ShapeError>([] {
          additive_pool(of({2, 3, 4}), of({4, 6}), Tensor(), of({4, 6}), of({6}), of({6, 1}));
        }) ==
        "additive_pool: b1 is none, b2 (6,); with 6 units both must be (6,), or both omitted");
  CHECK(refusal<ShapeError>([] {
          additive_pool(of({2, 3, 4}), of({4, 6}), of({6}), of({4, 6}), of({6}), of({6, 1}),
                        {.mask = Mask(Shape{2, 4})});
        }) == "additive_pool: the mask is (2, 4); for x of (2, 3, 4) it must be (2, 3)");
}

TEST_CASE("sort, argsort, diff, tril and triu refuse axes and counts that there are not") {
  CHECK(refusal<IndexError>([] { fovea::sort(of({2}), 1); }).starts_with("sort: axis 1 "));
  CHECK(refusal<IndexError>([] { argsort(of({})); }).starts_with("argsort: axis -1 "));
  CHECK(refusal<ValueError>([] { fovea::diff(of({3}), -1); }) ==
        "diff: n is -1; it must be at least 0");
  CHECK(refusal<ShapeError>([] { tril(of({3})); }) ==
        "tril: x is (3,); it must be (..., rows, columns)");
  CHECK(refusal<ShapeError>([] { triu(of({})); }) ==
        "triu: x is (); it must be (..., rows, columns)");
}
