// A choice between two operands, element by element.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What `where` chooses from: an element for each of the result's, or one that stands for all.
struct Choice {
  const real* data;
  bool one;
};

/// c = a where keep is 1, b where it is 0. What is not chosen is not computed with.
void where(const std::uint8_t* keep, Choice a, Choice b, Index count, real* c);

}}}  // namespace fovea::kernels
