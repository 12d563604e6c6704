// Text of files in messages.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Returns text of a file for a message: short, and without characters that a terminal obeys.
inline std::string shown(std::string_view text, std::size_t most = 40) {
  std::string result;
  for (const char c : text.substr(0, most))
    result += c >= ' ' && c <= '~' ? std::string(1, c)
                                   : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text.size() > most ? result + "..." : result;
}

}}}  // namespace fovea::io
