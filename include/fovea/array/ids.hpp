// Integers that name rows of a table or classes. Never real numbers, never differentiable.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// A dense array of ids or labels. Copies share.
class Ids : public Elements<std::int32_t, Ids> {
 public:
  using Elements::Elements;

  /// Row-major values. Throws ShapeError when their number is not the shape's, ValueError when one does not fit 32 bits.
  Ids(const Shape& shape, std::span<const std::int32_t> values);
  Ids(const Shape& shape, std::span<const std::int64_t> values);  ///< from wider integers
  /// The same values, written out.
  Ids(const Shape& shape, std::initializer_list<std::int32_t> values) : Ids(shape, std::span<const std::int32_t>(values.begin(), values.size())) {}
};

}  // namespace fovea
