// Safetensors files for the tests: golden ones, and any bytes as a file in memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <string>

#include "files.hpp"
#include "fovea/io/safetensors.hpp"

namespace test_files {

inline std::string golden_tensors(const std::string& name) {
  return std::string(FOVEA_GOLDEN_DIR) + "/safetensors/" + name;
}

// A file in memory, whose bytes can be replaced.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("safetensors", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("no file in memory");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  // The path of a file with these bytes.
  std::string operator()(const std::string& bytes) const {
    const auto size = static_cast<ssize_t>(bytes.size());
    if (::ftruncate(descriptor_, size) != 0 ||
        ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) != size)
      throw std::runtime_error("cannot write to memory");
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

// A file of this header, and so many bytes behind it.
inline std::string with_header(const std::string& header, std::size_t data = 0) {
  const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t(header.size()));
  return std::string(length.data(), 8) + header + std::string(data, '\1');
}

}  // namespace test_files
