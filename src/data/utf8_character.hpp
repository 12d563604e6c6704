// The characters of UTF-8, one by one.
#pragma once

#include <cstddef>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The character that begins a text.
struct Utf8Character {
  std::size_t bytes;  ///< of it; of an invalid one those that a valid one could begin with, or 1
  bool valid;         ///< whether it is complete and valid (RFC 3629)
};

/// Returns the character that begins a text, which is not empty.
Utf8Character first_character(std::string_view text);

}}  // namespace fovea
