#include "reader.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "fovea/fovea.hpp"
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

Reader csv() {
  Reader reader{.name = "csv"};
  reader.seeds = [] {
    return std::vector<std::string>{"area,rooms,town\n55.5,2,Bern\n80,3,\"Biel, \"\"old\"\"\"\n",
                                    "a\r\n1\r\n-2.5e-3\r\n", "x,y\n,\nNA,inf\n"};
  };
  reader.words = {",", "\n", "\r\n", "\"", "\"\"", "NA", "nan", "inf", "-", "\xef\xbb\xbf", "\xff"};
  reader.read = [](const std::string& path) {
    const CsvFile file(path);
    for (const std::string& name : file.names()) {
      attempt([&] { static_cast<void>(file.numbers(name)); });
      attempt([&] { static_cast<void>(file.integers(name)); });
      attempt([&] { static_cast<void>(file.categories(name, file.distinct(name))); });
      attempt([&] { static_cast<void>(file.texts(name)); });
    }
  };
  reader.memory = 1 << 20;  // names are looked up for each column
  return reader;
}

Reader idx() {
  Reader reader{.name = "idx"};
  reader.seeds = [] {
    return std::vector<std::string>{
        {"\0\0\x08\x01\0\0\0\x03\1\2\3", 11},
        {"\0\0\x0d\x02\0\0\0\x01\0\0\0\x02\x3f\x80\0\0\xbf\x80\0\0", 20},
        {"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x01\1\2\3\4", 20}};
  };
  reader.words = {std::string("\0\0\x08\x01", 4), "\x1f\x8b\x08", std::string("\0\0\0\x04", 4)};
  reader.read = [](const std::string& path) {
    attempt([&] { static_cast<void>(read_idx_ids(path, {.largest_unpacked = 1 << 16})); });
    static_cast<void>(read_idx(path, {.largest_unpacked = 1 << 16}));
  };
  reader.unpacks = true;
  reader.memory = 1 << 20;
  return reader;
}

Reader vectorization() {
  Reader reader{.name = "vectorization"};
  reader.seeds = [] {
    TextVectorization ids({.ngrams = 2, .output_sequence_length = 5});
    ids.adapt({"a small bird", "a bird of \xc3\xa9t\xc3\xa9"});
    TextVectorization weights({.output_mode = TextOutput::tf_idf});
    weights.adapt({"one two", "two \"three\""});
    return std::vector<std::string>{ids.to_json(), weights.to_json()};
  };
  reader.words = {"{",  "}",       "[",    "]",    ",",     ":",
                  "\"", "\\u0000", "null", "true", "1e400", "function"};
  reader.read = [](const std::string& path) {
    static_cast<void>(TextVectorization::from_json(test_files::read_bytes(path), {}, path));
  };
  reader.refuses_values = true;
  reader.memory = 1 << 20;
  return reader;
}

// Models in files without a checksum: with one, hardly any damage would come past it.
Reader model() {
  Reader reader{.name = "model"};
  reader.seeds = [] {
    Sequential model{Embedding{.input_dim = 5, .output_dim = 3, .mask_zero = true},
                     AttentionLayer{2}, Dense{2, Activation::softmax}};
    model.compile({.loss = SparseCategoricalCrossentropy{}});
    const Ids x(Shape{2, 2}, {1, 2, 3, 4}), y(Shape{2}, {0, 1});
    model.train_on_batch(x, y);
    const std::string with_checksum = written([&](const std::string& path) {
      model.save(path, {.texts = {{"note", "a text"}}, .standalone = true});
    });
    return std::vector<std::string>{written([&](const std::string& path) {
      test_files::write_bytes(path, with_checksum);
      const SafetensorsFile file(path);
      std::vector<SafetensorsTensor> tensors;
      for (const std::string& name : file.names()) tensors.push_back({name, file.stored(name)});
      write_safetensors(path, tensors, file.metadata(), {.checksum = false});
    })};
  };
  reader.words = {"\\\"",
                  "{",
                  "}",
                  "[",
                  "]",
                  ":",
                  ",",
                  "null",
                  "-1",
                  "1e400",
                  "Dense",
                  "GRU",
                  "\\\"units\\\":",
                  "fovea.state",
                  "fovea.structure",
                  "fovea.version"};
  reader.read = [](const std::string& path) {
    const Sequential model = load_model(path);
    static_cast<void>(saved_texts(path));
  };
  reader.parts = safetensors().parts;
  reader.joined = safetensors().joined;
  reader.memory = 1 << 20;
  reader.refuses_values = true;
  return reader;
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = {npy(), npz(),           safetensors(), csv(),
                                          idx(), vectorization(), model()};
  return all;
}

}  // namespace fuzz
