// Drawing the graph behind a tensor.
#pragma once

#include <string>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the graph behind a result in Graphviz' language, for `dot -Tsvg`. An operation is an
/// ellipse with the shape and bytes of its result; a layer is a frame. A parameter is a box with
/// its path, dashed if frozen. Constants are not part of the graph. Of a released graph only the
/// root is left. Throws StateError for a tensor without a graph.
std::string graph_dot(const Tensor& result);

}}  // namespace fovea
