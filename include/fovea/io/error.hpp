// The exceptions of reading and writing files.
#pragma once

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A file whose content violates its format.
class FormatError : public Error {
 public:
  /// Constructs the message from the name of the file, the position and the reason.
  FormatError(const std::string& file, Index byte_offset, const std::string& reason);

  /// Returns the position in the file of the first wrong byte.
  Index byte_offset() const noexcept { return byte_offset_; }

 private:
  Index byte_offset_;
};

/// An operation that failed in the operating system.
class IoError : public Error {
 public:
  /// Constructs the message. `error_number` is the value of errno.
  IoError(const std::string& path, const std::string& action, int error_number);

  /// Returns the value of errno.
  int error_number() const noexcept { return error_number_; }

 private:
  int error_number_;
};

}}  // namespace fovea
