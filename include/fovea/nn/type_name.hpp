// The name of a module's type in messages and summaries.
#pragma once

#include <string>
#include <typeinfo>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the type without its namespaces and template arguments: "AttentionLayer". A type without
/// a name is a "lambda" or a "module".
std::string type_name(const std::type_info& type);

/// Returns the name of a layer of a type, as Keras spells it: "attention_layer",
/// "rms_normalization", "max_pooling1d", "conv2d_transpose".
std::string snake_case(const std::string& type);

}}  // namespace fovea
