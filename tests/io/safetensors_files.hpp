// Safetensors files for the tests: golden ones, and any bytes as a file in memory.
#pragma once

#include <bit>
#include <cstring>
#include <string>

#include "files.hpp"
#include "fovea/io/safetensors.hpp"
#include "support/memory_file.hpp"

namespace test_files {

using support::MemoryFile;

inline std::string golden_tensors(const std::string& name) {
  return std::string(FOVEA_GOLDEN_DIR) + "/safetensors/" + name;
}

// A file of this header, and so many bytes behind it.
inline std::string with_header(const std::string& header, std::size_t data = 0) {
  const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t(header.size()));
  return std::string(length.data(), 8) + header + std::string(data, '\1');
}

}  // namespace test_files
