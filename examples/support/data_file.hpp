// Files of data that Debian packages bring: whole in memory, with a bound, and what to do when they
// are missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "fovea/io/error.hpp"

namespace examples {

/// A file is not there. An example program prints the message and exits with 77, which Meson counts
/// as skipped.
class DataMissing : public fovea::Error {
 public:
  /// `advice` says where the file comes from.
  DataMissing(const std::string& path, const std::string& advice);
};

/// The largest file that is read: 1 GiB.
inline constexpr std::size_t largest_data_file = std::size_t(1) << 30;

/// Returns the bytes of a file. Throws DataMissing, FormatError for a file larger than
/// largest_data_file, IoError for what cannot be read.
std::string read_data_file(const std::filesystem::path& path, const std::string& advice);

/// FNV-1a, 64 bits.
std::uint64_t fnv1a(std::string_view bytes);

}  // namespace examples
