// The graph behind a tensor as a picture.
#pragma once

#include <string>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The graph behind a result in Graphviz' language, for `dot -Tsvg`: an ellipse for each operation
/// with the shape and bytes of its result, a box for each parameter (dashed: frozen) with its path,
/// a frame for each layer. Constants are not part of a graph, and a graph that was released shows
/// its root alone. Throws StateError for a tensor without a graph.
std::string graph_dot(const Tensor& result);

}}  // namespace fovea
