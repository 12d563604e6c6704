// Patterns of paths, such as "*/bias".
#pragma once

#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Whether a pattern matches a whole path; "*" stands for any characters, none included. After a
/// mismatch the latest "*" takes one character more: earlier ones need no other try.
inline bool matches(std::string_view pattern, std::string_view path) {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0, star = none, taken = 0;
  for (std::size_t i = 0; i < path.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = i;
    } else if (p < pattern.size() && pattern[p] == path[i]) {
      ++p;
      ++i;
    } else if (star != none) {
      p = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == none;
}

}}  // namespace fovea
