// Tokens as pictures and terminals show them.
#pragma once

#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

/// Returns a token that harms no terminal and no XML: valid UTF-8 on one line. Control characters
/// below space become their pictures (U+2400 ...), others, as well as marks that turn the direction
/// of text, become U+FFFD; a token of spaces shows them as U+2423, and an empty one is U+2205.
std::string shown_token(std::string_view token);

/// Returns the number of columns that a shown text takes on a terminal: 2 for wide characters of
/// East Asia and emoji, 0 for marks that combine with the character before (UAX 11 and UAX 44).
Index columns_of(std::string_view text);

/// Returns a text of at most `columns` columns, which are at least 1: longer ones are cut, and end
/// with an ellipsis.
std::string cut_to(std::string_view text, Index columns);

}}}  // namespace fovea::viz
