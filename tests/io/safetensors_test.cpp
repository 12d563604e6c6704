#include "fovea/io/safetensors.hpp"

#include <doctest/doctest.h>
#include <xxhash.h>

#include <nlohmann/json.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <thread>

#include "fovea/io/error.hpp"
#include "safetensors_files.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using namespace test_files;
using support::Generate;
using support::refusal;

namespace {

const nlohmann::json& listing() {
  static const auto all = nlohmann::json::parse(read_bytes(golden_tensors("listing.json")));
  return all;
}

template <class T>
bool same(const T& a, const T& b) {
  return a.shape() == b.shape() &&
         std::ranges::equal(std::as_bytes(a.values()), std::as_bytes(b.values()));
}

// Everything in a file, as write_safetensors takes it, in an order of the test's own.
std::vector<SafetensorsTensor> all_of(const SafetensorsFile& file, Generate& generate) {
  std::vector<SafetensorsTensor> tensors;
  for (const std::string& name : file.names()) tensors.push_back({name, file.stored(name)});
  generate.shuffle(tensors);
  return tensors;
}

void write_two(const std::string& path, const SafetensorsWriteOptions& options = {}) {
  write_safetensors(path, {{"b", Array({2}, {1, 2})}, {"a", Ids({3}, {1, -2, 3})}},
                    {{"note", "two"}}, options);
}

// What a shell command prints, and whether it succeeds.
bool run(const std::string& command, std::string& output) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  std::array<char, 4096> piece;
  while (std::fgets(piece.data(), piece.size(), pipe)) output += piece.data();
  return ::pclose(pipe) == 0;
}

}  // namespace

TEST_CASE("tensors of the Python library's files equal NumPy's: every type, shape and metadata") {
  const NumpyArchive values(golden_tensors("values.npz"));
  int checked = 0;
  for (const auto& item : listing()["tensors"].items()) {
    const nlohmann::json& entry = item.value();
    const std::string& key = item.key();
    CAPTURE(key);
    const SafetensorsFile file(golden_tensors(entry["file"]));
    const std::string name = entry["tensor"], dtype = entry["dtype"];
    CHECK(file.contains(name));
    CHECK(file.dtype(name) == dtype);
    CHECK(file.shape(name) == Shape(entry["shape"].get<std::vector<Index>>()));
    CHECK(same(file.array(name), values.array(key)));
    if (dtype == "BOOL" || dtype == "U8") CHECK(same(file.mask(name), values.mask(key)));
    if (std::set<std::string>{"I32", "I16", "I8", "U8", "U16"}.contains(dtype))
      CHECK(same(file.ids(name), values.ids(key)));
    if (dtype == "BF16") {
      const std::vector<std::byte> bytes = file.stored(name).bytes;
      const Ids bits = values.ids(key + "__bits");
      for (std::size_t i = 0; i < bytes.size(); ++i)
        CHECK(int(bytes[i]) == (bits.values()[i / 2] >> i % 2 * 8 & 255));
    }
    ++checked;
  }
  CHECK(checked == 103);
  for (const auto& item : listing()["metadata"].items()) {
    const SafetensorsFile file(golden_tensors(item.key() + ".safetensors"));
    const nlohmann::json& wanted = item.value();
    CHECK(nlohmann::json(file.metadata()) ==
          (wanted.is_null() ? nlohmann::json::object() : wanted));
    CHECK(file.checksum().empty());
  }
}

TEST_CASE("files are written byte for byte as by the Python library, whatever the order given") {
  const support::Folder folder;
  Generate generate("safetensors: order", 0);
  for (const auto& item : listing()["metadata"].items()) {
    const std::string path = golden_tensors(item.key() + ".safetensors");
    CAPTURE(path);
    const SafetensorsFile file(path);
    write_safetensors(folder / "again", all_of(file, generate), file.metadata(),
                      {.checksum = false});
    // The library writes several metadata in no fixed order.
    if (file.metadata().size() < 2) CHECK(read_bytes(folder / "again") == read_bytes(path));
    const SafetensorsFile again(folder / "again");
    CHECK(again.names() == file.names());
    CHECK(again.metadata() == file.metadata());
    for (const std::string& name : file.names())
      CHECK(again.stored(name).bytes == file.stored(name).bytes);
  }
}

TEST_CASE("arrays, ids, masks and metadata come back as they were written") {
  const support::Folder folder;
  for (Index trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    Generate generate("safetensors: round trip", trial);
    const Array array = generate.array(generate.shape(0, 6), {-2, 2});
    const Ids ids = generate.ids(generate.shape(0, 6), 1 << 30);
    const Mask mask = generate.mask(generate.shape(0, 6), 0.5);
    const bool wide = generate.chance(0.5);
    const SafetensorsMetadata metadata = {
        {"note", std::string(static_cast<std::size_t>(trial), '"')}, {"größe\n", "\\ü"}};
    write_safetensors(folder / "m", {{"mask", mask}, {"a/ü \"x\"", array}, {"", ids}}, metadata,
                      {.checksum = generate.chance(0.5), .ids_as_int64 = wide});
    const SafetensorsFile file(folder / "m");
    CHECK(same(file.array("a/ü \"x\""), array));
    CHECK(file.dtype("a/ü \"x\"") == (sizeof(real) == 4 ? "F32" : "F64"));
    CHECK(same(file.ids(""), ids));
    CHECK(file.dtype("") == (wide ? "I64" : "I32"));
    CHECK(same(file.mask("mask"), mask));
    CHECK(file.dtype("mask") == "BOOL");
    CHECK(file.metadata() == metadata);
    CHECK(file.names().size() == 3);
  }
}

TEST_CASE("ids beyond one piece are widened whole") {
  const support::Folder folder;
  const Ids ids = Generate("safetensors: wide ids", 0).ids({10000}, 1 << 30);
  write_safetensors(folder / "m", {{"ids", ids}}, {}, {.ids_as_int64 = true});
  CHECK(same(SafetensorsFile(folder / "m").ids("ids"), ids));
}

TEST_CASE("the checksum is XXH3 in 128 bits over the file with zeros in its place") {
  const support::Folder folder;
  write_two(folder / "m");
  std::string bytes = read_bytes(folder / "m");
  const std::string sum = SafetensorsFile(folder / "m").checksum();
  CHECK(bytes.find("{\"__metadata__\":{\"fovea.checksum\":\"xxh3_128\",\"xxh3_128\":\"" + sum +
                   "\",\"note\":\"two\"}") == 8);
  bytes.replace(bytes.find(sum), 32, std::string(32, '0'));
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  std::array<char, 33> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  CHECK(sum == digits.data());
  CHECK(SafetensorsFile(folder / "m").metadata() == SafetensorsMetadata{{"note", "two"}});
}

TEST_CASE("a checksum of more than one piece is verified, and only if that is wanted") {
  const support::Folder folder;
  const Array array = Generate("safetensors: large", 0).array({700, 1000}, {-1, 1});
  write_safetensors(folder / "m", {{"x", array}});
  CHECK(same(SafetensorsFile(folder / "m").array("x"), array));
  std::string bytes = read_bytes(folder / "m");
  bytes[bytes.size() - 7] ^= 16;
  write_bytes(folder / "m", bytes);
  CHECK(refusal<FormatError>([&] {
          SafetensorsFile(folder / "m");
        }).find("the file is damaged, or another program has changed it") != std::string::npos);
  CHECK(SafetensorsFile(folder / "m", {.verify = false}).array("x").at(0) == array.at(0));
}

TEST_CASE("what is written replaces the old file, which those that have it open read on") {
  const support::Folder folder;
  write_two(folder / "m");
  const SafetensorsFile old(folder / "m");
  write_safetensors(folder / "m", {{"b", Array({1}, {7})}});
  CHECK(old.array("b").at(1) == 2);
  CHECK(SafetensorsFile(folder / "m").array("b").at(0) == 7);
  CHECK_THROWS_AS(write_safetensors(folder / "m", {{"\xff", Array({1}, {7})}}), ValueError);
  CHECK(SafetensorsFile(folder / "m").array("b").at(0) == 7);
  CHECK(folder.names() == std::vector<std::string>{"m"});
}

TEST_CASE("several threads read tensors of one open file at once") {
  const support::Folder folder;
  std::vector<SafetensorsTensor> tensors;
  for (Index i = 0; i < 8; ++i)
    tensors.push_back(
        {std::string(1, static_cast<char>('a' + i)), Array::full({50000}, static_cast<real>(i))});
  write_safetensors(folder / "m", tensors);
  const SafetensorsFile file(folder / "m");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < 40; ++i) {
        const SafetensorsTensor& tensor = tensors[(i + 2 * thread) % tensors.size()];
        wrong += !same(file.array(tensor.name), std::get<Array>(tensor.tensor));
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a file that becomes shorter while it is open is a FormatError at its new end") {
  const support::Folder folder;
  write_two(folder / "m");
  const SafetensorsFile file(folder / "m");
  const auto size = static_cast<Index>(std::filesystem::file_size(folder / "m"));
  std::filesystem::resize_file(folder / "m", static_cast<std::uintmax_t>(size - 1));
  try {
    static_cast<void>(file.ids("a"));
    static_cast<void>(file.array("b"));
    FAIL("read beyond the end");
  } catch (const FormatError& error) {
    CHECK(error.byte_offset() == size - 1);
  }
}

TEST_CASE("wrong calls of a safetensors file are told what to do") {
  const support::Folder folder;
  write_two(folder / "m");
  SafetensorsFile file(folder / "m");
  CHECK(refusal<IndexError>([&] { file.array("c"); }) ==
        folder / "m" + ": expected the name of a tensor, got \"c\"; there are 2: b, a");
  CHECK(refusal<FormatError>([&] { file.ids("b"); }).find("ids are integers") != std::string::npos);
  CHECK(refusal<FormatError>([&] { file.mask("b"); }).find("masks are BOOL or U8") !=
        std::string::npos);
  write_safetensors(folder / "c", {{"z", StoredTensor{"C64", {1}, std::vector<std::byte>(8)}}});
  CHECK(refusal<FormatError>([&] {
          SafetensorsFile(folder / "c").array("z");
        }).find("tensor \"z\" is of type C64, which is not converted; stored() reads its bytes") !=
        std::string::npos);
  CHECK(refusal<ValueError>(
            [&] { SafetensorsFile(golden_tensors("integers.safetensors")).ids("u64"); }) ==
        golden_tensors("integers.safetensors") +
            "/u64: the value at position 1 is 18446744073709551615, which does not fit 32 bits");
  CHECK(refusal<ValueError>([&] { SafetensorsFile(""); }) == "SafetensorsFile: the path is empty");
  CHECK_THROWS_AS(SafetensorsFile(folder / "none"), IoError);
  CHECK_THROWS_AS(SafetensorsFile(folder / "."), IoError);
  const SafetensorsFile moved = std::move(file);
  CHECK(refusal<StateError>([&] { file.names(); }) ==
        "SafetensorsFile: it was moved from; ask the one that it was moved to");
  CHECK(moved.array("b").at(0) == 1);
}

TEST_CASE("what cannot be written is refused before there is a file") {
  const support::Folder folder;
  const Array x({1}, {1});
  const auto told = [&](const std::vector<SafetensorsTensor>& tensors,
                        const SafetensorsMetadata& metadata = {}) {
    return refusal<ValueError>([&] { write_safetensors(folder / "m", tensors, metadata); });
  };
  CHECK(told({{"x", x}, {"x", x}}) ==
        "write_safetensors: expected names that differ, got \"x\" twice");
  CHECK(
      told({{"\xc3", x}}) ==
      "write_safetensors: expected names and metadata in UTF-8, got \"\\xc3\"; convert it before");
  CHECK(told({}, {{"a", "\xed\xa0\x80"}}).find("UTF-8") != std::string::npos);
  CHECK(told({{"__metadata__", x}}) ==
        "write_safetensors: the name \"__metadata__\" is reserved; choose another one");
  CHECK(told({}, {{"xxh3_128", ""}}).find("is reserved") != std::string::npos);
  CHECK(told({}, {{"fovea.checksum", ""}}).find("is reserved") != std::string::npos);
  CHECK(told({{std::string(4097, 'x'), x}}).find("at most 4096 bytes, got one of 4097") !=
        std::string::npos);
  CHECK(told({{"x", StoredTensor{"F31", {1}, {}}}}).find("got 'F31'") != std::string::npos);
  CHECK(told({{"x", StoredTensor{"F16", {2}, std::vector<std::byte>(3)}}}) ==
        "write_safetensors: expected 4 bytes for shape (2,) of type F16, got 3");
  CHECK(told({{"x", StoredTensor{"F4", {3}, std::vector<std::byte>(2)}}})
            .find("expected a whole number of bytes") != std::string::npos);
  CHECK(told(std::vector<SafetensorsTensor>(100001)).find("at most 100000 tensors, got 100001") !=
        std::string::npos);
  CHECK(told({}, {{"a", std::string(100'000'000, 'a')}}).find("shorten the metadata") !=
        std::string::npos);
  CHECK(refusal<ValueError>([&] { write_safetensors("", {}); }) ==
        "write_safetensors: the path is empty");
  CHECK(folder.names().empty());
}

TEST_CASE("the Python library reads what is written here, and its files are read here") {
  std::string output;
  if (!run("python3 -c 'import safetensors.numpy, numpy'", output)) {
    MESSAGE("skipped: python3 has no safetensors and numpy");
    return;
  }
  const support::Folder folder;
  Generate generate("safetensors: Python", 0);
  const Array array = generate.array({3, 4}, {-1, 1});
  write_safetensors(folder / "ours",
                    {{"ü", array},
                     {"ids", Ids({2}, {-5, 7})},
                     {"keep", Mask({3}, {1, 0, 1})},
                     {"none", Array(Shape{0, 3})},
                     {"scalar", Array(Shape(), {2.5})}},
                    {{"note", "\"ü\"\n"}});
  write_bytes(folder / "check.py", R"(
import sys
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
folder = sys.argv[1]
tensors = load_file(folder + "/ours")
assert sorted(tensors) == ["ids", "keep", "none", "scalar", "ü"]
assert tensors["ids"].tolist() == [-5, 7] and tensors["keep"].tolist() == [True, False, True]
assert tensors["none"].shape == (0, 3) and tensors["scalar"] == 2.5 and tensors["ü"].shape == (3, 4)
with safe_open(folder + "/ours", "numpy") as file:
    assert file.metadata()["note"] == '"ü"\n' and file.metadata()["fovea.checksum"] == "xxh3_128"
save_file(tensors, folder + "/theirs")
)");
  const bool good = run("python3 " + folder / "check.py" + " " + folder / "", output);
  CHECK_MESSAGE(good, output);
  const SafetensorsFile theirs(folder / "theirs");
  CHECK(same(theirs.array("ü"), array));
  CHECK(theirs.ids("ids").at(0) == -5);
  const SafetensorsFile ours(folder / "ours");
  CHECK(theirs.names() == ours.names());
}
