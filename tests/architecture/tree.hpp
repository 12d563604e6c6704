// The files of the checkout, for tests that compare them.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tree {

namespace files = std::filesystem;

inline const files::path root = FOVEA_SOURCE_ROOT;

/// The bytes of a file, which must be there.
inline std::string read(const files::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace tree
