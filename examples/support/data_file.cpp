#include "support/data_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace examples {

DataMissing::DataMissing(const std::string& path, const std::string& advice)
    : Error(fmt::format("{}: there is no such file; {}", path, advice)) {}

std::string read_data_file(const std::filesystem::path& path, const std::string& advice) {
  const auto refuse_size = [&] {
    throw fovea::FormatError(path.string(), largest_data_file, "the file is larger than 1 GiB");
  };
  std::error_code unknown;  // the size of what is no regular file; that is counted below
  const std::uintmax_t size_at_first = std::filesystem::file_size(path, unknown);
  if (!unknown && size_at_first > largest_data_file) refuse_size();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file && (errno == ENOENT || errno == ENOTDIR)) throw DataMissing(path.string(), advice);
  if (!file) throw fovea::IoError(path.string(), "open", errno);

  std::string bytes;
  for (std::size_t size = 0, got = 1; got > 0; size += got) {
    bytes.resize(size + (std::size_t(1) << 20));
    got = std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
    if (got == 0 && std::ferror(file.get())) throw fovea::IoError(path.string(), "read", errno);
    bytes.resize(size + got);
    if (bytes.size() > largest_data_file) refuse_size();
  }
  return bytes;
}

std::uint64_t fnv1a(std::string_view bytes) {
  constexpr std::uint64_t basis = 0xcbf29ce484222325, prime = 0x100000001b3;
  std::uint64_t hash = basis;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * prime;
  return hash;
}

}  // namespace examples
