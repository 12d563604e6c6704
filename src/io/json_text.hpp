// Text in JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Returns the text as a JSON string, with its quotes. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// The same of a text that must come back as it is: nothing where it is no UTF-8.
std::optional<std::string> exact_json_string(std::string_view text);

}}}  // namespace fovea::io
