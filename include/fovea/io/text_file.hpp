// Texts as files.
#pragma once

#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Writes a text, such as a picture, as a file. The file appears whole or not at all: whatever
/// happens, `path` names the old content or the new one. Throws ValueError for an empty path and
/// one with a NUL, IoError where the system does not let it.
void write_text(const std::string& path, std::string_view text);

}}  // namespace fovea
