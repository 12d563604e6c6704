// Patterns of paths, such as "*/bias".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

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

/// Returns what each "*" of a pattern stands for in a path, as little as possible from left to
/// right; nothing where the pattern does not match.
inline std::optional<std::vector<std::string_view>> matched(std::string_view pattern,
                                                            std::string_view path) {
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; !pattern.empty();) {
    const std::size_t star = pattern.find('*');
    if (!path.substr(i).starts_with(pattern.substr(0, star))) return std::nullopt;
    if (star == std::string_view::npos) {
      if (path.size() - i != pattern.size()) return std::nullopt;
      return texts;
    }
    i += star;
    pattern.remove_prefix(star + 1);
    const std::string_view literal = pattern.substr(0, pattern.find('*'));
    const bool last = literal.size() == pattern.size();
    const std::size_t end = !last ? path.find(literal, i)
                                  : (path.size() - i >= literal.size() && path.ends_with(literal)
                                         ? path.size() - literal.size()
                                         : std::string_view::npos);
    if (end == std::string_view::npos) return std::nullopt;
    texts.push_back(path.substr(i, end - i));
    i = end;
    if (last) return texts;
  }
  return path.empty() ? std::optional(texts) : std::nullopt;
}

}}  // namespace fovea
