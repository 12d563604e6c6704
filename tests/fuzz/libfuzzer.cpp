// The readers under libFuzzer, which finds its way by coverage. FOVEA_READER names the reader; with
// FOVEA_SEEDS, its whole files are written into that folder, for the corpus, and nothing else is
// done. docs/testing.md has the commands.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fovea/base/error.hpp"
#include "io/safetensors_files.hpp"
#include "mutator.hpp"

namespace {

const fuzz::Reader& reader() {
  const char* const name = std::getenv("FOVEA_READER");
  for (const fuzz::Reader& each : fuzz::readers())
    if (name && name == std::string(each.name)) return each;
  std::fprintf(stderr, "FOVEA_READER must be one of:");
  for (const fuzz::Reader& each : fuzz::readers()) std::fprintf(stderr, " %s", each.name);
  std::fprintf(stderr, "\n");
  std::exit(2);
}

std::string text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (const char* const folder = std::getenv("FOVEA_SEEDS")) {
    int number = 0;
    for (const std::string& bytes : reader().seeds())
      test_files::write_bytes(std::string(folder) + "/" + std::to_string(number++), bytes);
    std::exit(0);
  }
  reader();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test_files::MemoryFile memory;
  try {
    reader().read(memory(text(data, size)));
  } catch (const fovea::Error&) {
  }
  return 0;
}

// Half of the damage knows the format.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string bytes = text(data, size);
  const std::string damaged = fuzz::Mutator(reader(), seed)(bytes, bytes).substr(0, most);
  std::copy(damaged.begin(), damaged.end(), data);
  return damaged.size();
}
