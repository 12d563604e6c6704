// Texts in UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the position of the first byte that begins no valid UTF-8 (RFC 3629: no surrogates, no
/// overlong forms, nothing beyond U+10FFFF), or nothing where the text is valid.
std::optional<Index> find_invalid_utf8(std::string_view text);

/// Returns the text with U+FFFD in the place of each maximal piece of invalid UTF-8, as Unicode
/// recommends and Python's `errors="replace"` does.
std::string replace_invalid_utf8(std::string_view text);

}}  // namespace fovea
