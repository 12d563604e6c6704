// Integers that name rows of a table or classes. Never real numbers, never differentiable.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of ids or labels: a value, whose copies share memory until one is written to.
class Ids : public Elements<std::int32_t, Ids> {
 public:
  using Elements::Elements;

  Ids(const Shape& shape,
      std::span<const std::int64_t>
          values);  ///< from wider integers; throws ValueError when one does not fit 32 bits
};

}}  // namespace fovea
