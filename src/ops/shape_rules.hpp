// Rules for shapes that serve several operations, as pure functions. The rules of one operation
// stand beside it, in a namespace of the same name. Arguments that do not fit are refused there and
// nowhere else, before any work is done.
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

/// Axes of an array, counted from 0.
using AxisSet = std::bitset<Shape::max_rank>;

/// The axes that are named; all of them when none is.
AxisSet axes(const char* operation, const Shape& x, const std::vector<int>& named);

/// The sizes left when `axes` are reduced; they stay with size 1 when `keepdims`.
Shape reduce(const Shape& x, AxisSet axes, bool keepdims);

/// "there are classes 0 to 9", "the table has no rows": what an id or label may name, for messages.
std::string positions(std::string_view head, std::string_view things, Index size);

/// Throws the IndexError of the id at a position. `there_are`: what it may name.
[[noreturn]] void refuse_id(const char* operation, const Ids& ids, Index position,
                            std::string_view there_are);

/// Refuses ids that name none of `size` things; head() and the things' name say what there is.
template <class Head>
void check_ids(const char* operation, const Ids& ids, Index size, const Head& head,
               std::string_view things) {
  for (Index i = 0; i < ids.count(); ++i)
    if (const Index id = ids.data()[i]; id < 0 || id >= size)
      refuse_id(operation, ids, i, positions(head(), things, size));
}

/// (..., classes) with labels (...) -> (...). Checks every label; `ignored` need not be a class.
Shape cross_entropy(const char* operation, const Shape& predictions, const Ids& labels,
                    const std::optional<Index>& ignored = {});

/// Predictions and targets of one shape (..., n) -> (...).
Shape per_sample(const char* operation, const Shape& predictions, const Shape& targets);

/// Refuses a mask that does not broadcast to x.
void mask(const char* operation, const Shape& x, const Mask& mask);

}}}  // namespace fovea::shape
