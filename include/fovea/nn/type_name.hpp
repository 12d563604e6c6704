// How a module's type is called in messages and summaries.
#pragma once

#include <string>
#include <typeinfo>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The type without its namespaces and template arguments: "AttentionLayer"; "lambda" or "module"
/// where it has no name.
std::string type_name(const std::type_info& type);

/// "AttentionLayer" as "attention_layer", "RMSNorm" as "rms_norm", "Conv1D" as "conv1d".
std::string snake_case(const std::string& type);

}}  // namespace fovea
