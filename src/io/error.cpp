#include "fovea/io/error.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The C library's words in English: strerror, and the messages of <system_error> with it, would
// speak the language of the process.
std::string explanation(int error_number) {
  const char* const text = ::strerrordesc_np(error_number);
  return text ? text : fmt::format("Unknown error {}", error_number);
}

}  // namespace

FormatError::FormatError(const std::string& file, Index byte_offset, const std::string& reason)
    : Error(fmt::format("{}: at byte {}: {}", file, byte_offset, reason)),
      byte_offset_(byte_offset) {}

IoError::IoError(const std::string& path, const std::string& action, int error_number)
    : Error(fmt::format("{}: cannot {}: {}", path, action, explanation(error_number))),
      error_number_(error_number) {}

}}  // namespace fovea
