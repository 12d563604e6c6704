// The layers of a chain as JSON in the metadata of a file.
#pragma once

#include <string>

#include "fovea/nn/chain.hpp"
#include "train/weights.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// The metadata that has the layers.
constexpr const char* structure_name = "fovea.structure";

/// Returns the layers of a chain as JSON. Throws ValueError, with the path, for a layer of a type
/// that is not known.
std::string structure_of(const Chain& chain);
/// Returns the JSON that says why there are no layers.
std::string no_structure(const std::string& reason);

}}}  // namespace fovea::train
