// A file that is read.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// An open file. Several threads can read at once.
class InputFile {
 public:
  /// Opens the file. Throws IoError, also for what is no ordinary file.
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// Returns the size in bytes at the time of opening.
  Index size() const { return size_; }

  /// Fills the span with the bytes from `position` on. Throws IoError, and FormatError where the
  /// file ends before.
  void read(Index position, std::span<std::byte> bytes) const;

 private:
  std::string path_;
  int descriptor_;
  Index size_ = 0;
};

}}}  // namespace fovea::io
