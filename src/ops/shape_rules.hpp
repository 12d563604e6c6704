// The shape of every operation's result, as pure functions. Arguments that do not fit are refused here and nowhere else, before
// any work is done.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/shape/shape.hpp"

namespace fovea::inline FOVEA_PRECISION::shape {

/// Both operands repeated along axes of size 1 until they agree.
Shape broadcast(const char* operation, const Shape& a, const Shape& b);

/// (..., rows, inner) (..., inner, columns) -> (..., rows, columns); a transposed operand counts with its last axes exchanged.
Shape matmul(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b);

/// The axes as numbers from 0, ascending; all of them when none is named.
std::vector<int> axes(const char* operation, const Shape& x, const std::vector<int>& named);

/// The sizes left when `axes` (as above) are reduced; reduced axes stay with size 1 when `keepdims`.
Shape reduce(const Shape& x, const std::vector<int>& axes, bool keepdims);

/// The size may be -1 for one axis: whatever is left.
Shape reshape(const Shape& x, std::vector<Index> sizes);

/// Axis i of the result is axis order[i] of x.
Shape permute(const Shape& x, const std::vector<int>& order);

/// x with axis `axis` cut to [begin, end).
Shape slice(const Shape& x, int axis, Index begin, Index end);

/// All shapes joined along `axis`; the other sizes are equal.
Shape concat(const std::vector<Shape>& shapes, int axis);

/// (rows, width...) by ids (...) -> (..., width...). Checks every id.
Shape gather_rows(const Shape& table, const Ids& ids);

/// (..., classes) with labels (...) -> (...). Checks every label.
Shape cross_entropy(const char* operation, const Shape& predictions, const Ids& labels);

/// x (batch, time, features), W1 and W2 (features, units), v (units, 1), mask (batch, time) -> those four sizes.
std::array<Index, 4> additive_pool(const Shape& x, const Shape& w1, const Shape& w2, const Shape& v, const std::optional<Mask>& mask);

/// Refuses a mask that does not broadcast to x.
void mask(const char* operation, const Shape& x, const Mask& mask);

}  // namespace fovea::shape
