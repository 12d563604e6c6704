// Integers that name rows of a table or classes. They are never differentiable.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of ids or labels: a value. Copies share memory until one is written to.
class Ids : public Elements<std::int32_t, Ids> {
 public:
  using Elements::Elements;

  /// Copies wider integers. Throws ValueError when one does not fit 32 bits, and ShapeError unless
  /// there are as many as the shape has elements.
  Ids(const Shape& shape, std::span<const std::int64_t> values);
};

}}  // namespace fovea
