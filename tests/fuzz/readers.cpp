#include "reader.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "fovea/io/error.hpp"
#include "fovea/io/npy.hpp"
#include "fovea/io/safetensors.hpp"
#include "io/files.hpp"

using namespace fovea;

namespace fuzz {

namespace {

// Calls `use`, which may throw an Error: the numbers do not fit the type that is asked for.
template <class Use>
void attempt(const Use& use) {
  try {
    use();
  } catch (const Error&) {
  }
}

void take_out(const NumpyArray& array) {
  attempt([&] { static_cast<void>(array.reals().values()); });
  attempt([&] { static_cast<void>(array.ids().values()); });
  attempt([&] { static_cast<void>(array.mask().kept()); });
}

// The files with this ending in a folder of the golden ones.
std::vector<std::string> golden_files(const std::string& folder, const std::string& ending) {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FOVEA_GOLDEN_DIR) + "/" + folder))
    if (entry.path().string().ends_with(ending) && entry.file_size() < 20000 &&
        entry.path().string().find("must_be_refused") == std::string::npos)
      files.push_back(test_files::read_bytes(entry.path().string()));
  std::ranges::sort(files);
  return files;
}

// What a program writes into a folder under a name.
template <class Write>
std::string written(const Write& write) {
  const test_files::Folder folder;
  write(folder / "m");
  return test_files::read_bytes(folder / "m");
}

// Two or four bytes of length, low byte first, before the header of a .npy file.
Reader npy() {
  Reader reader{.name = "npy"};
  reader.seeds = [] { return golden_files("npy", ".npy"); };
  reader.words = {"'descr': ", "'<f4'",     "'<f8'", "'>i8'",     "'|O'",
                  "True",      "'shape': ", "(",     ")",         ", ",
                  "{",         "}",         "\n",    "\x93NUMPY", "'fortran_order': "};
  reader.read = [](const std::string& path) {
    take_out(test_files::parse(test_files::read_bytes(path)));
  };
  reader.parts = [](const std::string& bytes) -> std::vector<std::string> {
    const std::size_t begin =
        std::min<std::size_t>(bytes.size() > 6 && bytes[6] != 1 ? 12 : 10, bytes.size());
    const std::size_t end = std::max(begin, std::min(bytes.size(), bytes.find('\n') + 1));
    return {bytes.substr(0, begin), bytes.substr(begin, end - begin), bytes.substr(end)};
  };
  reader.joined = [](const std::vector<std::string>& parts) {
    std::string front = parts[0];
    if (front.size() >= 10) {
      front[8] = static_cast<char>(parts[1].size() % 256);
      front[9] = static_cast<char>(parts[1].size() / 256);
    }
    return front + parts[1] + parts[2];
  };
  return reader;
}

Reader npz() {
  Reader reader{.name = "npz"};
  reader.seeds = [] { return golden_files("npy", ".npz"); };
  reader.words = {"PK\1\2", "PK\3\4", "PK\5\6", "PK\6\6", "PK\6\7", ".npy", "\x93NUMPY"};
  reader.read = [](const std::string& path) {
    NumpyArchive archive(path, {.largest_unpacked = 1 << 20});
    for (const std::string& name : archive.names()) {
      attempt([&] { static_cast<void>(archive.shape(name)); });
      attempt([&] { take_out(archive.numpy(name)); });
    }
  };
  reader.memory = 20 << 20;  // what a member may unpack to, and its copies
  return reader;
}

Reader safetensors() {
  Reader reader{.name = "safetensors"};
  reader.seeds = [] {
    std::vector<std::string> files = golden_files("safetensors", ".safetensors");
    files.push_back(written([](const std::string& path) {
      write_safetensors(path,
                        {{"w", Array({2, 2}, {1, 2, 3, 4})},
                         {"ids", Ids({3}, {1, 2, 3})},
                         {"keep", Mask({3}, {1, 0, 1})}},
                        {{"note", "small"}});
    }));
    return files;
  };
  reader.words = {"{",
                  "}",
                  "[",
                  "]",
                  ",",
                  ":",
                  "\"",
                  "\\",
                  "null",
                  "\\u0000",
                  "\\ud800",
                  "\xff",
                  " ",
                  "[[",
                  "true",
                  "\xef\xbb\xbf",
                  "\"shape\":[],",
                  "\"dtype\":\"F32\",",
                  "/**/",
                  "\"data_offsets\":[0,0],",
                  "\"__metadata__\":{},",
                  std::string(1, '\0')};
  reader.read = [](const std::string& path) {
    const SafetensorsFile file(path);
    for (const std::string& name : file.names()) {
      static_cast<void>(file.stored(name));
      attempt([&] { static_cast<void>(file.array(name)); });
      attempt([&] { static_cast<void>(file.ids(name)); });
      attempt([&] { static_cast<void>(file.mask(name)); });
    }
  };
  reader.parts = [](const std::string& bytes) -> std::vector<std::string> {
    if (bytes.size() < 8) return {bytes, ""};
    std::array<char, 8> front;
    std::copy_n(bytes.begin(), 8, front.begin());
    const std::uint64_t length =
        std::min<std::uint64_t>(std::bit_cast<std::uint64_t>(front), bytes.size() - 8);
    return {bytes.substr(8, length), bytes.substr(8 + length)};
  };
  reader.joined = [](const std::vector<std::string>& parts) {
    const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t(parts[0].size()));
    return std::string(length.data(), 8) + parts[0] + parts[1];
  };
  return reader;
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = {npy(), npz(), safetensors()};
  return all;
}

}  // namespace fuzz
