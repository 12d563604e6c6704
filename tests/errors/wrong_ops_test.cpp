// Wrong calls of functions of tensors and what they are told, word for word. Arrays, gradients and
// files are in wrong_programs_test.cpp.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

// A row is a mistake, a program and what it is told.

TEST_CASE("wrong arithmetic and products") {
  check({
      {"adds a bias of another width",
       [] {
         of({2, 3}) + of({4});
       },
       "ShapeError: add: shapes (2, 3) and (4,) do not broadcast: aligned at the last axis, sizes "
       "3 and 4 must be equal or one of them 1"},
      {"multiplies each row by its own factor without an axis for it",
       [] {
         of({32, 10}) * of({32});
       },
       "ShapeError: multiply: shapes (32, 10) and (32,) do not broadcast: aligned at the last "
       "axis, "
       "sizes 10 and 32 must be equal or one of "
       "them 1"},
      {"chooses with a mask over samples, not positions",
       [] {
         where(Mask({2}, {1, 0}), of({2, 3}), scalar(0));
       },
       "ShapeError: where: shapes (2,) and (2, 3) do not broadcast: aligned at the last axis, "
       "sizes 2 and 3 must be equal or one of them "
       "1"},
      {"fills with a mask that has more axes than the tensor",
       [] {
         masked_fill(of({3}), Mask({1, 3}, {1, 0, 1}), 0);
       },
       "ShapeError: masked_fill: a mask of shape (1, 3) does not broadcast to (3,): aligned at the "
       "last axis, each size must be equal or "
       "1"},
      {"clips with the bounds exchanged", [] { clip(of({2}), 1, -1); },
       "ValueError: clip: low is 1, high is -1; low must not be above high"},
      {"multiplies matrices that do not fit",
       [] {
         matmul(of({32, 64}), of({128, 10}));
       },
       "ShapeError: matmul: inner sizes differ: a is (32, 64), b is (128, 10); the last size of a "
       "must equal the second-to-last of b"},
      {"forgets that PyTorch's Linear keeps its weight transposed",
       [] {
         matmul(of({32, 64}), of({64, 10}), {.transpose_b = true});
       },
       "ShapeError: matmul: inner sizes differ: a is (32, 64), b is (64, 10) transposed; the last "
       "size of a must equal the last of b"},
      {"gives linear PyTorch's weight",
       [] {
         linear(of({32, 64}), of({10, 64}), of({10}));
       },
       "ShapeError: linear: x is (32, 64), weight (10, 64); the weight must be (64, units)"},
      {"gives linear the bias of another layer",
       [] {
         linear(of({32, 64}), of({64, 10}), of({64}));
       },
       "ShapeError: linear: weight is (64, 10), bias (64,); the bias must be (10,), or omitted"},
      {"multiplies a matrix by a number with matmul",
       [] {
         matmul(of({3, 4}), scalar(2));
       },
       "ShapeError: matmul: a is (3, 4), b is (); both need at least one axis (for a scalar "
       "use *)"},
      {"multiplies batches of different size",
       [] {
         matmul(of({2, 5, 3}), of({4, 3, 6}));
       },
       "ShapeError: matmul, leading axes: shapes (2,) and (4,) do not broadcast: aligned at the "
       "last axis, sizes 2 and 4 must be equal "
       "or one of them 1"},
      {"takes the dot product of vectors of different length", [] { dot(of({3}), of({4})); },
       "ShapeError: dot: a is (3,), b is (4,); the last size of a must equal the last of b"},
      {"names one size twice with different values",
       [] {
         einsum("ij,jk", {of({2, 3}), of({4, 5})});
       },
       "ShapeError: einsum: 'j' of \"ij,jk\" has size 4 in operand 1, and 3 before"},
      {"forgets an operand",
       [] {
         einsum("ij,jk->ik", {of({2, 3})});
       },
       "ShapeError: einsum: \"ij,jk->ik\" names 2 operands, and 1 are given"},
      {"forgets the batch axis",
       [] {
         einsum("ij,jk", {of({8, 2, 3}), of({3, 5})});
       },
       "ShapeError: einsum: operand 0 of \"ij,jk\" is (8, 2, 3); \"ij\" names 2 axes"},
      {"forgets the ellipsis of the result",
       [] {
         einsum("...ij->ji", {of({4, 2, 3})});
       },
       "ValueError: einsum: the result of \"...ij->ji\" has no \"...\" for the axes of that name; "
       "add it"},
      {"takes the trace of what is not square",
       [] {
         einsum("ii->", {of({3, 4})});
       },
       "ShapeError: einsum: 'i' of \"ii->\" has size 4 in operand 0, and 3 before"},
      {"wants an axis that no operand has",
       [] {
         einsum("ij->ijk", {of({2, 3})});
       },
       "ValueError: einsum: 'k' of the result of \"ij->ijk\" is in no operand"},
  });
}

TEST_CASE("wrong reductions") {
  check({
      {"counts axes from 1",
       [] {
         sum(of({2, 3}), 2);
       },
       "IndexError: sum: axis 2 of shape (2, 3): there are axes -2 to 1"},
      {"names one axis from both ends",
       [] {
         mean(of({2, 3}), {1, -1});
       },
       "ShapeError: mean: an axis of (2, 3) is named twice in (1, -1)"},
      {"averages an empty batch",
       [] {
         mean(of({0, 3}), 0);
       },
       "ValueError: mean: over an axis of size 0 of (0, 3), where there is no mean"},
      {"wants the unbiased variance of one number",
       [] { var(of({1}), {}, false, {.unbiased = true}); },
       "ValueError: var: unbiased, over a single element of (1,); it needs two"},
      {"looks for the best of no classes",
       [] {
         argmax(of({2, 0}));
       },
       "ValueError: argmax: over an axis of size 0 of (2, 0), where there is no argmax"},
      {"wants the top 10 of 5", [] { top_k(of({5}), 10); },
       "ValueError: top_k: k is 10; the last axis of (5,) has 5 elements; k must be 0 to 5"},
      {"takes a softmax over an axis that is not there",
       [] {
         softmax(of({2, 3}), 2);
       },
       "IndexError: softmax: axis 2 of shape (2, 3): there are axes -2 to 1"},
      {"takes a softmax of a scalar", [] { softmax(scalar(1)); },
       "IndexError: softmax: axis -1 of shape (): a scalar has no axes"},
      {"masks samples where positions are masked",
       [] {
         softmax(of({2, 3}), -1, Mask({2}, {1, 1}));
       },
       "ShapeError: softmax: a mask of shape (2,) does not broadcast to (2, 3): aligned at the "
       "last axis, each size must be equal or 1"},
      {"normalises another width than gamma's",
       [] {
         layer_norm(of({2, 3}), of({4}), of({4}));
       },
       "ShapeError: layer_norm: x is (2, 3), gamma is (4,); it must be (3,), the last size of x"},
      {"drops out with a percentage", [] { dropout(of({2}), 20, Rng(1)); },
       "ValueError: dropout: the rate is 20; it must be 0 to 1"},
  });
}

TEST_CASE("wrong shapes") {
  check({
      {"reshapes to another count",
       [] {
         reshape(of({2, 3}), {4, 2});
       },
       "ShapeError: reshape: (2, 3) has 6 elements, (4, 2) has 8; the numbers must be equal"},
      {"leaves two sizes open",
       [] {
         reshape(of({2, 3}), {-1, -1});
       },
       "ShapeError: reshape: more than one size of (-1, -1) is -1"},
      {"leaves a size open that cannot be whole",
       [] {
         reshape(of({2, 3}), {-1, 4});
       },
       "ShapeError: reshape: (2, 3) has 6 elements, which the other sizes of (-1, 4) do not "
       "divide"},
      {"permutes the last axes alone",
       [] {
         permute_dims(of({8, 2, 3}), {1, 0});
       },
       "ShapeError: permute_dims: the order (1, 0) must name each of the 3 axes of (8, 2, 3) once"},
      {"transposes a vector", [] { transpose(of({3})); },
       "IndexError: transpose: axis -2 of shape (3,): there are axes -1 to 0"},
      {"joins along the wrong axis",
       [] {
         concat({of({2, 3}), of({2, 4})}, 0);
       },
       "ShapeError: concat along axis 0: (2, 4) does not fit (2, 3); all sizes but that axis must "
       "be equal"},
      {"joins an empty list", [] { concat({}); },
       "ValueError: concat: no tensors are given; give at least one"},
      {"stacks an empty list", [] { stack({}); },
       "ValueError: stack: no tensors are given; give at least one"},
      {"stacks along an axis too far behind", [] { stack({of({2})}, 2); },
       "IndexError: stack: a new axis 2 of shape (2,): it may be -2 to 1"},
      {"stacks sequences before padding them",
       [] {
         stack({of({2}), of({3})});
       },
       "ShapeError: stack: (3,) does not fit (2,); all shapes must be equal"},
      {"splits 10 into 3 equal parts", [] { split(of({10}), 3); },
       "ShapeError: split: axis -1 of (10,) has size 10, which 3 parts do not divide"},
      {"splits with sizes that leave a rest",
       [] {
         split(of({10}), {4, 4});
       },
       "ShapeError: split: axis -1 of (10,) has size 10; the parts (4, 4) have 8"},
      {"slices past the end, as Python allows",
       [] {
         slice(of({4, 3}), 0, 2, 6);
       },
       "IndexError: slice: [2, 6) of axis 0 of (4, 3), whose size is 4; it must be 0 <= begin <= "
       "end <= 4"},
      {"slices with begin behind end", [] { slice(of({4}), {{.begin = 3, .end = 1}}); },
       "IndexError: slice: 3:1:1 of axis 0 of (4,), whose size is 4"},
      {"slices with a step of 0", [] { slice(of({4}), {{.step = 0}}); },
       "ValueError: slice: the step of ::0 is 0; use repeat to repeat an element"},
      {"squeezes an axis that is not 1",
       [] {
         squeeze(of({2, 3}), 0);
       },
       "ShapeError: squeeze: axis 0 of (2, 3) has size 2; only an axis of size 1 can be removed"},
      {"puts a new axis too far behind",
       [] {
         expand_dims(of({2, 3}), 3);
       },
       "IndexError: expand_dims: a new axis 3 of shape (2, 3): it may be -3 to 2"},
      {"pads the last axis alone, as PyTorch does",
       [] {
         pad(of({2, 3}), {{1, 1}});
       },
       "ShapeError: pad: 1 widths for (2, 3), which has 2 axes; each axis needs one"},
      {"pads with a negative width to cut",
       [] {
         pad(of({5}), {{-1, 0}});
       },
       "ValueError: pad: the widths of axis 0 are -1 and 0; use slice to cut"},
      {"expands an axis that is not 1",
       [] {
         broadcast_to(of({2, 3}), {2, 6});
       },
       "ShapeError: broadcast_to: (2, 3) does not broadcast to (2, 6): aligned at the last axis, "
       "each size must be equal or 1"},
      {"tiles with fewer counts than axes",
       [] {
         tile(of({2, 3}), {2});
       },
       "ShapeError: tile: 1 counts for (2, 3), which has 2 axes; each axis needs one"},
  });
}

TEST_CASE("ids that name nothing") {
  check({
      {"looks up an id one past the table",
       [] {
         gather_rows(of({10, 4}), Ids({2}, {3, 10}));
       },
       "IndexError: gather_rows: the id at position 1 of (2,) is 10; the table has rows 0 to 9"},
      {"looks up an id of an empty table",
       [] {
         gather_rows(of({0, 4}), Ids({1}, {0}));
       },
       "IndexError: gather_rows: the id at position 0 of (1,) is 0; the table has no rows"},
      {"takes from the end with -1",
       [] {
         take(of({10, 4}), Ids({1}, {-1}), 1);
       },
       "IndexError: take: the id at position 0 of (1,) is -1; axis 1 of (10, 4) has positions 0 to "
       "3"},
      {"gathers with ids of fewer axes, one for each row",
       [] {
         take_along_axis(of({2, 3}), Ids({2}, {0, 1}));
       },
       "ShapeError: take_along_axis: x is (2, 3), ids are (2,); all sizes but that of axis -1 must "
       "be "
       "equal"},
      {"adds rows of another width",
       [] {
         scatter_add(of({5, 2}), Ids({3}, {0, 1, 4}), of({3, 4}));
       },
       "ShapeError: scatter_add: x is (5, 2), ids are (3,), updates (3, 4); updates must be one "
       "row of x for each id"},
      {"numbers classes from 1",
       [] {
         one_hot(Ids({3}, {1, 2, 3}), 3);
       },
       "IndexError: one_hot: the id at position 2 of (3,) is 3; there are classes 0 to 2"},
  });
}

TEST_CASE("windows that do not fit") {
  check({
      {"convolves a single sequence without a batch axis",
       [] {
         conv1d(of({10, 3}), of({3, 3, 2}));
       },
       "ShapeError: conv1d: x is (10, 3); it must be (batch, time, channels)"},
      {"puts channels first, as PyTorch does",
       [] {
         conv1d(of({4, 3, 10}), of({5, 3, 2}));
       },
       "ShapeError: conv1d: x is (4, 3, 10), kernel (5, 3, 2); the kernel must be (width, 10, "
       "filters)"},
      {"has a window longer than the sequence",
       [] {
         conv1d(of({4, 2, 3}), of({5, 3, 2}));
       },
       "ShapeError: conv1d: a sample of x is (2, 3), and a window reaches over 5 along its axis 0; "
       "pad it, or use Padding::same"},
      {"takes steps of 0",
       [] {
         conv1d(of({4, 10, 3}), of({3, 3, 2}), {.strides = 0});
       },
       "ValueError: conv1d: window 3, strides 0, dilation_rate 1; each must be at least 1"},
      {"convolves grey images without a channel",
       [] {
         conv2d(of({4, 28, 28}), of({3, 3, 1, 8}));
       },
       "ShapeError: conv2d: x is (4, 28, 28); it must be (batch, rows, columns, channels)"},
      {"pads an image causally",
       [] {
         conv2d(of({4, 8, 8, 1}), of({3, 3, 1, 2}), {.padding = Padding::causal});
       },
       "ValueError: conv2d: causal padding is for conv1d"},
      {"pools until nothing is left",
       [] {
         max_pool1d(of({4, 1, 3}));
       },
       "ShapeError: max_pool1d: a sample of x is (1, 3), and a window reaches over 2 along its "
       "axis 0; pad it, or use Padding::same"},
      {"pools with windows of no size",
       [] {
         average_pool1d(of({4, 8, 3}), {.pool_size = -1});
       },
       "ValueError: average_pool1d: window -1, strides -1, dilation_rate 1; each must be at least "
       "1"},
  });
}

TEST_CASE("losses of what does not belong together") {
  check({
      {"has a label that is no class",
       [] {
         sparse_categorical_crossentropy(of({3, 10}), Ids({3}, {0, 10, 1}));
       },
       "IndexError: sparse_categorical_crossentropy: the label at position 1 is 10; there are "
       "classes 0 to 9"},
      {"has labels in a column, as Keras keeps them",
       [] {
         sparse_categorical_crossentropy(of({3, 10}), Ids({3, 1}, {0, 9, 1}));
       },
       "ShapeError: sparse_categorical_crossentropy: predictions are (3, 10), labels (3, 1); "
       "labels must have "
       "the predictions' shape without its "
       "last axis, the classes"},
      {"smooths labels by a percentage",
       [] {
         sparse_categorical_crossentropy(of({1, 2}), Ids({1}, {0}), {.label_smoothing = 10});
       },
       "ValueError: sparse_categorical_crossentropy: the label smoothing is 10; it must be 0 to 1"},
      {"weighs fewer classes than there are",
       [] {
         sparse_categorical_crossentropy(of({1, 3}), Ids({1}, {0}), {.class_weights = of({2})});
       },
       "ShapeError: sparse_categorical_crossentropy: class weights are (2,), predictions (1, 3); "
       "there must "
       "be one weight for each class, the last "
       "axis of the predictions"},
      {"gives class numbers where distributions are wanted",
       [] {
         categorical_crossentropy(of({3, 10}), of({3}));
       },
       "ShapeError: categorical_crossentropy: predictions are (3, 10), targets (3,); they must "
       "have the same "
       "shape, of at least one axis"},
      {"compares a column with a row, which would broadcast",
       [] {
         mean_squared_error(of({32, 1}), of({32}));
       },
       "ShapeError: mean_squared_error: predictions are (32, 1), targets (32,); they must have the "
       "same shape, of at least one axis"},
      {"sets huber's delta to 0",
       [] {
         huber(of({3, 1}), of({3, 1}), 0);
       },
       "ValueError: huber: delta is 0; it must be above 0"},
  });
}
