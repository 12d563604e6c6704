// Names of files, before the system sees them.
#pragma once

#include <string>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// The path itself. Throws ValueError where it is empty, or holds a NUL, at which the system would
/// end it: another file would be meant.
inline const std::string& checked_path(const std::string& call, const std::string& path) {
  if (path.empty()) throw ValueError(call + ": the path is empty");
  if (path.find('\0') != std::string::npos)
    throw ValueError(call + ": the path holds a NUL: " + path.substr(0, path.find('\0')) +
                     "\\0...");
  return path;
}

}}}  // namespace fovea::io
