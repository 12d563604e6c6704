// The truth: every op again as plain loops over positions, in long double. Slow, obvious, and
// independent of the kernels.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/mask.hpp"

namespace support {

using fovea::Array;
using fovea::Ids;
using fovea::Index;
using fovea::Mask;
using fovea::Shape;
using wide = long double;

/// A dense array of exact numbers. `scales` are what rounding errors are measured by, where that is
/// not the value itself: the sum of the magnitudes that a result was added up from.
struct Plain {
  Shape shape;
  std::vector<wide> values;
  std::vector<wide> scales = {};

  explicit Plain(const Shape& sizes)
      : shape(sizes), values(static_cast<std::size_t>(sizes.count())) {}
  explicit Plain(const Array& array)
      : shape(array.shape()), values(array.values().begin(), array.values().end()) {}

  wide scale(std::size_t i) const { return scales.empty() ? std::abs(values[i]) : scales[i]; }
};

/// A place in an array: one number for each axis.
using Position = std::vector<Index>;

/// The positions of a shape in row-major order: position number i, and back. `number` reads axes of
/// size 1 as repeated, and aligns at the last axis.
Position position(const Shape& shape, Index i);
Index number(const Shape& shape, const Position& position);

namespace plain {

Plain map(const Plain& x, const std::function<wide(wide)>& f);
Plain zip(const Plain& a, const Plain& b, const std::function<wide(wide, wide)>& f);
Plain matmul(const Plain& a, const Plain& b, bool transpose_a, bool transpose_b);

/// `axes` as numbers from 0.
Plain sum(const Plain& x, const std::vector<int>& axes, bool keepdims);
Plain mean(const Plain& x, const std::vector<int>& axes, bool keepdims);
Plain max(const Plain& x, const std::vector<int>& axes, bool keepdims);

Plain reshape(const Plain& x, const Shape& shape);
Plain permute(const Plain& x, const std::vector<int>& order);
Plain concat(const std::vector<Plain>& parts, int axis);
Plain slice(const Plain& x, int axis, Index begin, Index end);
Plain gather_rows(const Plain& table, const Ids& ids);
Plain softmax(const Plain& x, int axis, const std::optional<Mask>& mask);
Plain log_softmax(const Plain& x, int axis, const std::optional<Mask>& mask);
Plain categorical_crossentropy(const Plain& logits, const Ids& labels);

}  // namespace plain
}  // namespace support
