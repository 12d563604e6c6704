// The shape of every operation's result, as pure functions. Arguments that do not fit are refused
// here and nowhere else, before any work is done.
#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/ops/options.hpp"
#include "fovea/shape/shape.hpp"
#include "kernels/windows.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace shape {

/// An axis as a number from 0. Throws IndexError in the name of the operation.
int axis(const char* operation, const Shape& x, int axis);

/// x with a new axis. Throws IndexError in the name of the operation.
Shape inserted(const char* operation, const Shape& x, int axis, Index size);

/// a + b and a b, for sizes of a result; refused where memory cannot have them.
Index added(const char* operation, Index a, Index b);
Index multiplied(const char* operation, Index a, Index b);

/// Whether one shape, aligned at the last axis, can be repeated until it is the other.
bool broadcasts(const Shape& from, const Shape& to);

/// Both operands repeated along axes of size 1 until they agree.
Shape broadcast(const char* operation, const Shape& a, const Shape& b);

/// (..., rows, inner) (..., inner, columns) -> (..., rows, columns); a transposed operand counts
/// with its last axes exchanged, a vector is one row or one column, which the result does not have.
Shape matmul(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b);

/// x (..., inputs), weight (inputs, units), bias (units) or null -> (..., units)
Shape linear(const Shape& x, const Shape& weight, const Shape* bias);

/// Refuses last sizes that differ.
void dot(const Shape& a, const Shape& b);

/// What einsum is asked for: a letter for each axis of each operand, and of the result.
struct Subscripts {
  std::vector<std::string> inputs;
  std::string output;
};
Subscripts einsum(std::string_view text, const std::vector<Shape>& shapes);

/// Axes of an array, counted from 0.
using AxisSet = std::bitset<Shape::max_rank>;

/// The axes that are named; all of them when none is.
AxisSet axes(const char* operation, const Shape& x, const std::vector<int>& named);

/// The sizes left when `axes` are reduced; they stay with size 1 when `keepdims`.
Shape reduce(const Shape& x, AxisSet axes, bool keepdims);

/// The size may be -1 for one axis: whatever is left.
Shape reshape(const Shape& x, std::vector<Index> sizes);

/// Axis i of the result is axis order[i] of x.
Shape permute(const Shape& x, const std::vector<int>& order);

/// x with axis `axis` cut to [begin, end).
Shape slice(const Shape& x, int axis, Index begin, Index end);

/// All shapes joined along `axis`; the other sizes are equal.
Shape concat(const std::vector<Shape>& shapes, int axis);

/// x without the named axes, whose sizes are 1; without all of size 1 when none is named.
Shape squeeze(const Shape& x, const std::vector<int>& named);

/// The sizes as a shape that x broadcasts to.
Shape broadcast_to(const Shape& x, const std::vector<Index>& sizes);

/// Equal shapes with a new axis at `axis`.
Shape stack(const std::vector<Shape>& shapes, int axis);

/// Refuses sizes that do not add up to the axis', or a number of parts that does not divide it.
void split(const Shape& x, const std::vector<Index>& sizes, int axis);
void split(const Shape& x, Index parts, int axis);

/// Which part of an array a slice is: its shape, and for each axis the first position and the step.
struct Cut {
  Shape shape;
  std::array<Index, Shape::max_rank> begin, step;
};
Cut slice(const Shape& x, const std::vector<Range>& ranges);

/// x with each axis made longer at both ends.
Shape pad(const Shape& x, const std::vector<PadWidth>& widths);

/// An axis, or each, so many times as long.
Shape repeat(const Shape& x, Index count, int axis);
Shape tile(const Shape& x, const std::vector<Index>& counts);

/// "there are classes 0 to 9", "the table has no rows": what an id or label may name, for messages.
std::string positions(std::string_view head, std::string_view things, Index size);

/// x with an axis replaced by those of ids. Checks every id, as the next three do.
Shape take(const Shape& x, const Ids& ids, int axis);

/// The ids' shape, which is x's but for one axis.
Shape take_along(const Shape& x, const Ids& ids, int axis);

/// Refuses updates that are not one row of x for each id.
void scatter_add(const Shape& x, const Ids& ids, const Shape& updates);

/// ids (...) -> (..., classes)
Shape one_hot(const Ids& ids, Index classes);

/// (rows, width...) by ids (...) -> (..., width...). Checks every id.
Shape gather_rows(const Shape& table, const Ids& ids);

/// (..., classes) with labels (...) -> (...). Checks every label; `ignored` need not be a class.
Shape cross_entropy(const char* operation, const Shape& predictions, const Ids& labels,
                    const std::optional<Index>& ignored = {});

/// Refuses weights that are not one for each of the classes, the last axis of the predictions.
void class_weights(const char* operation, const Shape& predictions, const Shape& weights);

/// Predictions and targets of one shape (..., n) -> (...).
Shape per_sample(const char* operation, const Shape& predictions, const Shape& targets);

/// (..., n) -> (..., k)
Shape top_k(const Shape& x, Index k);

/// x (batch, time, features), W1 and W2 (features, units), b1 and b2 (units) or both null, v
/// (units, 1), mask (batch, time) -> those four sizes.
std::array<Index, 4> additive_pool(const Shape& x, const Shape& w1, const Shape& w2,
                                   const Shape* b1, const Shape* b2, const Shape& v,
                                   const std::optional<Mask>& mask);

/// Refuses a gamma or beta that is not (width) for x (..., width), and an epsilon below 0.
void norm(const char* operation, const Shape& x, const Shape& gamma, const Shape& beta,
          real epsilon);

/// How windows lie over x; one axis counts as columns of one row.
kernels::Windows conv1d(const Shape& x, const Shape& kernel, const Conv1DOptions& options);
kernels::Windows conv2d(const Shape& x, const Shape& kernel, const Conv2DOptions& options);
kernels::Windows pool1d(const char* operation, const Shape& x, const Pool1DOptions& options);
kernels::Windows pool2d(const char* operation, const Shape& x, const Pool2DOptions& options);

/// Refuses a mask that does not broadcast to x.
void mask(const char* operation, const Shape& x, const Mask& mask);

}}}  // namespace fovea::shape
