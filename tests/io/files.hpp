// Files for the tests of io: golden ones, ones in memory, and a folder that goes away.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "fovea/io/npy.hpp"
#include "support/folder.hpp"

namespace test_files {

using support::Folder;

inline std::string golden(const std::string& name) {
  return std::string(FOVEA_GOLDEN_DIR) + "/npy/" + name;
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(
      path);  // some file systems wait for the disk when a file is emptied and written anew
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

// The names in the golden folder that end so.
inline std::vector<std::string> golden_names(const std::string& ending) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden("")))
    if (entry.path().filename().string().ends_with(ending))
      names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

// A .npy file in memory; a read beyond its end is an exception of no kind that the library throws.
inline fovea::NumpyArray parse(const std::string& bytes) {
  std::size_t position = 0;
  return fovea::NumpyArray("memory.npy", static_cast<fovea::Index>(bytes.size()),
                           [&, position](std::span<std::byte> out) mutable {
                             if (out.size() > bytes.size() - position)
                               throw std::logic_error("read beyond the end");
                             std::ranges::copy(
                                 std::as_bytes(std::span(bytes)).subspan(position, out.size()),
                                 out.begin());
                             position += out.size();
                           });
}

}  // namespace test_files
