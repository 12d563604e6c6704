// Integers that name rows of a table or classes. They are never differentiable.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of ids or labels: a value. Copies share memory until one is written to.
class Ids : public Elements<std::int32_t, Ids> {
 public:
  using Elements::Elements;
  static constexpr const char* type_name = "Ids";  ///< in messages
};

}}  // namespace fovea
