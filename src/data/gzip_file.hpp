// A file that is read from its begin to its end, unpacked where it is packed by gzip.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "io/input_file.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class GzipFile {
 public:
  /// Opens the file. Throws IoError.
  explicit GzipFile(const std::string& path);
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;
  ~GzipFile();

  bool packed() const { return stream_ != nullptr; }
  /// Returns the size of the file, packed as it is.
  Index size() const { return file_.size(); }
  /// Returns the largest size to which the file can unpack: deflate packs 258 bytes into 2 bits at
  /// best.
  Index most_unpacked() const {
    return packed() ? size() > limit / 1032 ? limit : 1032 * size() : size();
  }

  /// Fills the span with the next bytes. Throws IoError, and FormatError where there are fewer or
  /// the packed data are damaged.
  void read(std::span<std::byte> bytes);

  /// Throws FormatError unless everything was read, and where the checksum is wrong.
  void expect_end();

 private:
  static constexpr Index limit = Index(1) << 62;
  struct Stream;
  std::size_t inflate_into(std::span<std::byte> bytes);
  [[noreturn]] void fail(const std::string& reason) const;

  std::string path_;
  io::InputFile file_;
  Index position_ = 0;              // of the next byte of the file
  std::unique_ptr<Stream> stream_;  // where the file is packed
};

}}  // namespace fovea
