// The readers of files, for programs that give them damaged ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace fuzz {

// A reader of one format.
struct Reader {
  const char* name;
  // Whole files, which are read.
  std::function<std::vector<std::string>()> seeds;
  // What means something in the format.
  std::vector<std::string> words;
  // Takes everything out of the file at a path. Throws an Error where it is refused; whatever else
  // it throws is a fault.
  std::function<void(const std::string& path)> read;
  // Cuts a file into the parts that are damaged one by one, and `joined` makes the lengths between
  // them true again, so that a damaged part is not refused for its length alone.
  std::function<std::vector<std::string>(const std::string& bytes)> parts =
      [](const std::string& bytes) { return std::vector<std::string>{bytes}; };
  std::function<std::string(const std::vector<std::string>& all)> joined =
      [](const std::vector<std::string>& all) { return all.front(); };
  // The bytes of memory that reading may cost: so many, and for each byte of the file.
  std::size_t memory = 1 << 16, memory_each_byte = 100;
  // Whether bytes of errors may be those of what the file unpacks to.
  bool unpacks = false;
  // Whether a file may be whole and say what is not possible, which is told without a byte.
  bool refuses_values = false;
};

// All of them.
const std::vector<Reader>& readers();

}  // namespace fuzz
