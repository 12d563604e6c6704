// What the pictures of an AttentionMap have in common.
#pragma once

#include <string_view>

#include "fovea/viz/attention_map.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

/// Throws ShapeError where weights, tokens and gradients do not fit each other, and ValueError for
/// weights that are none and for gradients that are not finite.
void check_map(std::string_view call, const AttentionMap& map);

}}}  // namespace fovea::viz
