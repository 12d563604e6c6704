// Other looks at the same numbers, for kernels that take strides.
#pragma once

#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The same numbers with the last two axes exchanged.
View transposed(const View& view);

/// The same numbers, repeated along axes of size 1 until they have the shape `target`. Throws
/// ShapeError.
View broadcast_to(const View& view, const Shape& target);

}}  // namespace fovea
