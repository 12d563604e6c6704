// Integers that name rows of a table or classes. Never real numbers, never differentiable.
#pragma once

#include <initializer_list>
#include <span>

#include "fovea/memory/buffer.hpp"
#include "fovea/shape/shape.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// A dense array of ids or labels. Copies share.
class Ids {
 public:
  /// Rank 1, no elements.
  Ids() : shape_{0} {}

  /// Row-major values. Throws ShapeError when their number is not the shape's, ValueError when one does not fit 32 bits.
  Ids(const Shape& shape, std::span<const std::int32_t> values);
  Ids(const Shape& shape, std::span<const std::int64_t> values);  ///< from wider integers
  /// The same values, written out.
  Ids(const Shape& shape, std::initializer_list<std::int32_t> values) : Ids(shape, std::span<const std::int32_t>(values.begin(), values.size())) {}

  const Shape& shape() const { return shape_; }  ///< its sizes
  Index count() const { return shape_.count(); }  ///< how many ids
  const std::int32_t* data() const { return buffer_.as<std::int32_t>(); }  ///< the first id; null when there are none
  std::span<const std::int32_t> values() const { return {data(), static_cast<std::size_t>(count())}; }  ///< all ids in row-major order

  /// The id at a position in row-major order. Throws IndexError.
  Index at(Index position) const;

  /// The same ids under another shape of equal count. Throws ShapeError.
  Ids reshaped(const Shape& shape) const;

  /// Rows [begin, end) of the first axis, copied. Throws IndexError.
  Ids rows(Index begin, Index end) const;

  /// The rows of the first axis at `positions`, in that order. Throws IndexError.
  Ids rows(std::span<const Index> positions) const;

 private:
  explicit Ids(const Shape& shape) : shape_(shape), buffer_(shape.count() * 4) {}

  Shape shape_;
  Buffer buffer_;
};

}  // namespace fovea
