// The table of layer types that files can name.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/train/load_model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// The shape that a parameter must have, under its path within the layer.
using ExpectedShape = std::pair<std::string, Shape>;

/// A type of this library.
struct LayerType {
  const char* name;
  saving::ModuleType module;
  /// Returns the shapes of the parameters of a layer for samples of a shape.
  std::function<std::vector<ExpectedShape>(const Layer& layer, const Shape& sample)> shapes;
};

/// Returns all types of this library.
const std::vector<LayerType>& layer_types();

}}}  // namespace fovea::train
