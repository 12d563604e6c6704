// Every reader of files is given damaged ones: it returns what is in them or throws an Error of
// ours, in memory of the file's size. FOVEA_MALFORMED sets how many each is given.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "fovea/io/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "io/safetensors_files.hpp"
#include "mutator.hpp"
#include "support/counting_new.hpp"

using namespace fovea;

namespace {

std::uint64_t files_for_each() {
  const char* const number = std::getenv("FOVEA_MALFORMED");
  return number ? std::strtoull(number, nullptr, 10) : 10000;
}

// What the readers made of damaged files.
struct Count {
  std::uint64_t read = 0, refused = 0;
};

// Gives one file to a reader. A refusal as a whole says at which byte.
void give(const fuzz::Reader& reader, const test_files::MemoryFile& memory,
          const std::string& bytes, Count& count) {
  const std::string path = memory(bytes);
  const std::size_t already = support::requested;
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  try {
    reader.read(path);
    ++count.read;
  } catch (const FormatError& error) {
    CHECK(error.byte_offset() >= 0);
    CHECK((error.byte_offset() <= static_cast<Index>(bytes.size()) || reader.unpacks));
    ++count.refused;
  } catch (const Error& error) {
    CHECK_MESSAGE(reader.refuses_values, error.what());
    ++count.refused;
  } catch (const std::exception& error) {
    FAIL_CHECK("an exception of another kind: ", error.what());
  }
  const std::size_t limit = reader.memory + reader.memory_each_byte * bytes.size();
  CHECK(support::requested - already < limit);
  CHECK(static_cast<std::size_t>(memory::bytes_peak() - before) < limit);
}

}  // namespace

TEST_CASE("every reader reads its whole files") {
  const test_files::MemoryFile memory;
  for (const fuzz::Reader& reader : fuzz::readers()) {
    CAPTURE(reader.name);
    const std::vector<std::string> seeds = reader.seeds();
    CHECK(!seeds.empty());
    for (const std::string& bytes : seeds) CHECK_NOTHROW(reader.read(memory(bytes)));
  }
}

TEST_CASE("files that are cut off anywhere end in what is in them or in an Error with the byte") {
  const test_files::MemoryFile memory;
  Count count;
  for (const fuzz::Reader& reader : fuzz::readers()) {
    CAPTURE(reader.name);
    for (const std::string& bytes : reader.seeds())
      for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 512) {
        CAPTURE(length);
        give(reader, memory, bytes.substr(0, length), count);
      }
  }
  CHECK(count.refused > 1000);
  std::printf("figure: files cut off = %llu, refused = %llu\n",
              static_cast<unsigned long long>(count.read + count.refused),
              static_cast<unsigned long long>(count.refused));
}

TEST_CASE("damaged files end in what is in them or in an Error with the byte, in little memory") {
  const test_files::MemoryFile memory;
  Count all;
  for (const fuzz::Reader& reader : fuzz::readers()) {
    CAPTURE(reader.name);
    const std::vector<std::string> seeds = reader.seeds();
    Count count;
    for (std::uint64_t seed = 0; seed < files_for_each(); ++seed) {
      CAPTURE(seed);
      fuzz::Mutator mutate(reader, seed);
      give(reader, memory, mutate(seeds[seed % seeds.size()], seeds[seed * 7 % seeds.size()]),
           count);
    }
    CHECK(count.read > 0);
    CHECK(count.refused > files_for_each() / 10);
    std::printf("figure: malformed %s = %llu, refused = %llu\n", reader.name,
                static_cast<unsigned long long>(count.read + count.refused),
                static_cast<unsigned long long>(count.refused));
    all.read += count.read;
    all.refused += count.refused;
  }
  std::printf("figure: malformed files = %llu over %zu readers, refused = %llu\n",
              static_cast<unsigned long long>(all.read + all.refused), fuzz::readers().size(),
              static_cast<unsigned long long>(all.refused));
}
