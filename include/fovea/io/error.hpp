// What reading and writing files throws besides.
#pragma once

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A file whose content breaks its format.
class FormatError : public Error {
 public:
  FormatError(const std::string& file, Index byte_offset,
              const std::string& reason);  ///< the text is put together from these

  /// Position in the file of the first byte that cannot be right.
  Index byte_offset() const noexcept { return byte_offset_; }

 private:
  Index byte_offset_;
};

/// An operation that the operating system refused.
class IoError : public Error {
 public:
  /// `error_number` is the value of errno.
  IoError(const std::string& path, const std::string& action, int error_number);

  int error_number() const noexcept { return error_number_; }  ///< the value of errno

 private:
  int error_number_;
};

}}  // namespace fovea
