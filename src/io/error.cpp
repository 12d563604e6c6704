#include "fovea/io/error.hpp"

#include <fmt/format.h>

#include <system_error>

namespace fovea::inline FOVEA_PRECISION {

FormatError::FormatError(const std::string& file, Index byte_offset, const std::string& reason)
    : Error(fmt::format("{}: at byte {}: {}", file, byte_offset, reason)), byte_offset_(byte_offset) {}

IoError::IoError(const std::string& path, const std::string& action, int error_number)
    : Error(fmt::format("{}: cannot {}: {}", path, action, std::generic_category().message(error_number))),
      error_number_(error_number) {}

}  // namespace fovea
