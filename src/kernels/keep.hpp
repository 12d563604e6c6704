// Masks as kernels read them: one byte for each element, 1 to keep; null keeps all.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// The mask from an element on.
inline const std::uint8_t* keep_from(const std::uint8_t* keep, Index offset) {
  return keep ? keep + offset : nullptr;
}

}}}  // namespace fovea::kernels
