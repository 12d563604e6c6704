// Dense copies of views whose axes were reordered, cut or stepped over.
#pragma once

#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// y (+)= x, element by element; any strides, equal shapes.
void copy_strided(const View& x, const MutableView& y, bool add);

}}}  // namespace fovea::kernels
