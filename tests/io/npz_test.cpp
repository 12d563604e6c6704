#include <doctest/doctest.h>
#include <zip.h>

#include <nlohmann/json.hpp>

#include <filesystem>

#include "files.hpp"
#include "fovea/base/random.hpp"
#include "fovea/io/error.hpp"
#include "support/generate.hpp"

using namespace fovea;
using namespace test_files;

namespace {

struct Entry {
  std::string name, bytes;
  bool packed = false;
};

void write_zip(const std::string& path, const std::vector<Entry>& entries) {
  zip_t* const zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(zip);
  for (const Entry& entry : entries) {
    const zip_int64_t number =
        zip_file_add(zip, entry.name.c_str(),
                     zip_source_buffer(zip, entry.bytes.data(), entry.bytes.size(), 0), 0);
    REQUIRE(number >= 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(number),
                             entry.packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 9);
  }
  REQUIRE(zip_close(zip) == 0);
}

std::string little_endian(std::uint64_t number, int bytes) {
  std::string result;
  for (int i = 0; i < bytes; ++i) result += static_cast<char>(number >> 8 * i);
  return result;
}

// What both headers of a lone member "a.npy" say about it, and its bytes.
struct Claim {
  std::uint64_t size = 4, packed_size = 4;
  std::uint64_t method = 0, flags = 0;
  std::string bytes = "data";
};

std::string claiming(const Claim& claim) {
  const std::string sizes = little_endian(1, 2) + little_endian(16, 2) +
                            little_endian(claim.size, 8) + little_endian(claim.packed_size, 8);
  const std::string common = little_endian(45, 2) + little_endian(claim.flags, 2) +
                             little_endian(claim.method, 2) + std::string(8, '\0') +
                             std::string(8, '\xff') + little_endian(5, 2) +
                             little_endian(sizes.size(), 2);
  const std::string local = "PK\x03\x04" + common + "a.npy" + sizes + claim.bytes;
  const std::string directory =
      "PK\x01\x02" + little_endian(45, 2) + common + std::string(14, '\0') + "a.npy" + sizes;
  return local + directory + "PK\x05\x06" + std::string(4, '\0') + little_endian(1, 2) +
         little_endian(1, 2) + little_endian(directory.size(), 4) + little_endian(local.size(), 4) +
         std::string(2, '\0');
}

// The bytes of a .npy file of zeros.
std::string zeros(Index count) {
  const Folder folder;
  write_npy(folder / "zeros.npy",
            Ids(Shape{count}, std::vector<std::int32_t>(static_cast<std::size_t>(count))));
  return read_bytes(folder / "zeros.npy");
}

std::string replaced(std::string bytes, const std::string& from, const std::string& to) {
  for (std::size_t at = bytes.find(from); at != std::string::npos;
       at = bytes.find(from, at + to.size()))
    bytes.replace(at, from.size(), to);
  return bytes;
}

// A lone member "a.npy" that is these bytes, deflated, and says that there are `size` of them: both
// headers name the size behind that of what it is packed to.
void write_packed_claiming(const std::string& path, const std::string& bytes, std::size_t size) {
  write_zip(path, {{"a.npy", bytes, true}});
  std::uint64_t packed = 0;
  {
    const std::unique_ptr<zip_t, void (*)(zip_t*)> zip(zip_open(path.c_str(), ZIP_RDONLY, nullptr),
                                                       zip_discard);
    zip_stat_t status;
    REQUIRE(zip_stat_index(zip.get(), 0, 0, &status) == 0);
    packed = status.comp_size;
  }
  const std::string from = little_endian(packed, 4) + little_endian(bytes.size(), 4);
  write_bytes(path,
              replaced(read_bytes(path), from, little_endian(packed, 4) + little_endian(size, 4)));
}

// What opening the file and reading `name` ends in.
std::string refusal(const std::string& path, const std::string& name) {
  try {
    NumpyArchive(path).numpy(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

bool same(const Array& a, const Array& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.values(), b.values());
}

}  // namespace

TEST_CASE("stored and compressed archives of NumPy hold the same named arrays") {
  const nlohmann::json shapes = nlohmann::json::parse(read_bytes(golden("listing.json")))["npz"];
  for (const std::string file : {"stored.npz", "compressed.npz"}) {
    CAPTURE(file);
    const NumpyArchive archive(golden(file));
    CHECK(archive.names() == std::vector<std::string>{"a", "ids", "keep", "scalar", "none"});
    for (const std::string& name : archive.names())
      CHECK(archive.shape(name) == Shape(shapes[name].get<std::vector<Index>>()));
    CHECK(same(archive.array("a"), read_npy(golden("f4.npy"))));
    CHECK(std::ranges::equal(archive.ids("ids").values(), read_npy_ids(golden("i4.npy")).values()));
    CHECK(
        std::ranges::equal(archive.mask("keep").keep(), read_npy_mask(golden("bool.npy")).keep()));
    CHECK(archive.array("scalar").at(0) == 2.5);
    CHECK(archive.array("none").shape() == Shape{0, 3});
  }
}

TEST_CASE(
    "names may hold folders and letters outside ASCII, and unknown ones are named in the error") {
  const NumpyArchive archive(golden("names.npz"));
  CHECK(archive.names() == std::vector<std::string>{"model/layer.0/weight", "größe", "arr_0"});
  CHECK(archive.contains("größe"));
  CHECK_FALSE(archive.contains("arr_0.npy"));
  CHECK(same(archive.array("model/layer.0/weight"), read_npy(golden("f4.npy"))));
  CHECK_THROWS_WITH_AS(
      archive.array("weight"),
      (golden("names.npz") +
       ": there is no array \"weight\"; there are 3: model/layer.0/weight, größe, arr_0")
          .c_str(),
      IndexError);
  CHECK(NumpyArchive(golden("no_arrays.npz")).names().empty());
}

TEST_CASE("an archive moves with its open file") {
  NumpyArchive first(golden("stored.npz"));
  const NumpyArchive second = std::move(first);
  CHECK(second.array("scalar").at(0) == 2.5);
}

TEST_CASE("an archive cut off anywhere is refused") {
  const Folder folder;
  for (const std::string& name : golden_names(".npz")) {
    const std::string bytes = read_bytes(golden(name));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(name);
      CAPTURE(length);
      write_bytes(folder / "cut.npz", bytes.substr(0, length));
      CHECK_THROWS_AS(NumpyArchive(folder / "cut.npz"), FormatError);
    }
  }
}

TEST_CASE(
    "what savez_compressed makes of any array is read, zeros included, however many times smaller "
    "it is") {
  const Folder folder;
  for (Index trial = 0; trial < 12; ++trial) {
    support::Generate g("compressible", trial);
    // From nothing but zeros, a thousand to one, to nothing but noise; what is not noise is zero,
    // or begins anew every 50 numbers.
    const Index count = g.integer(1 << (trial % 2 ? 19 : 0), 1 << 20),
                noise = g.integer(0, trial % 4 == 1 ? 100 : count);
    Ids ids = g.ids(Shape{count}, 1 << 30);
    std::vector<std::int32_t> numbers(ids.values().begin(), ids.values().end());
    for (std::size_t i = static_cast<std::size_t>(noise); i < numbers.size(); ++i)
      numbers[i] = trial % 4 == 0 ? 0 : numbers[i % 50];
    CAPTURE(count);
    CAPTURE(noise);
    write_npy(folder / "ids.npy", Ids(Shape{count}, numbers));
    write_zip(folder / "ids.npz", {{"ids.npy", read_bytes(folder / "ids.npy"), true}});
    static_cast<void>(
        Ids(Shape{count}, std::vector<std::int32_t>(
                              numbers.size(), 7)));  // or recycled memory holds the numbers already
    CHECK(std::ranges::equal(NumpyArchive(folder / "ids.npz").ids("ids").values(), numbers));
  }
  write_zip(folder / "zeros.npz", {{"zeros.npy", zeros(1 << 22), true}});
  CHECK(std::filesystem::file_size(folder / "zeros.npz") * 900 < 4 << 22);
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  CHECK(NumpyArchive(folder / "zeros.npz").numpy("zeros").shape() == Shape{1 << 22});
  CHECK(memory::bytes_peak() - before < 22 << 20);  // of 16 MiB
}

TEST_CASE("a bomb, which unpacks to more than it says, is refused in memory of what it says") {
  const Folder folder;
  const std::string whole = zeros(1 << 22), says = zeros(1 << 8);
  write_packed_claiming(folder / "bomb.npz", says + whole, says.size());
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  const std::string message = refusal(folder / "bomb.npz", "a");
  CAPTURE(message);
  CHECK(message.find("bomb.npz/a.npy: at byte 1152: the member is longer than the zip file's "
                     "directory says") != std::string::npos);
  CHECK(memory::bytes_peak() - before < 1 << 20);
}

TEST_CASE("a member that unpacks to less than it says is refused in memory of what came") {
  const Folder folder;
  const std::string gibibyte = "{'descr': '|u1', 'fortran_order': False, 'shape': (1073741824,), }";
  std::string header =
      std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(gibibyte.size()) + '\0' + gibibyte;
  for (const std::size_t came : {std::size_t(0), std::size_t(1000), std::size_t(3) << 20}) {
    CAPTURE(came);
    write_packed_claiming(folder / "less.npz", header + std::string(came, '\0'),
                          header.size() + (std::size_t(1) << 30));
    memory::reset_peak();
    const Index before = memory::bytes_peak();
    const std::string message = refusal(folder / "less.npz", "a");
    CAPTURE(message);
    CHECK(message.find("less.npz/a.npy: at byte ") != std::string::npos);
    CHECK(memory::bytes_peak() - before <=
          5 * std::max<Index>(static_cast<Index>(came), 1 << 20) + (1 << 20));
  }
}

TEST_CASE(
    "the limit of what is unpacked can be raised, refuses one member and not the archive, and "
    "leaves what is stored") {
  const Folder folder;
  write_zip(folder / "some.npz", {{"large.npy", zeros(1 << 18), true},
                                  {"stored.npy", zeros(1 << 18), false},
                                  {"small.npy", zeros(8), true}});
  const NumpyArchive tight(folder / "some.npz", {.largest_unpacked = 1 << 20});
  CHECK(tight.shape("large") == Shape{1 << 18});
  CHECK(tight.ids("stored").count() == 1 << 18);
  CHECK(tight.ids("small").count() == 8);
  CHECK_THROWS_WITH_AS(
      tight.ids("large"),
      doctest::Contains(" bytes unpack to 1048704; at most 1048576 are read; raise "
                        "NumpyArchiveOptions::largest_unpacked if the file is to be trusted"),
      FormatError);
  CHECK(NumpyArchive(folder / "some.npz", {.largest_unpacked = (1 << 20) + 128})
            .ids("large")
            .count() == 1 << 18);
  CHECK_THROWS_WITH_AS(NumpyArchive(folder / "some.npz", {.largest_unpacked = -1}),
                       "NumpyArchive: largest_unpacked is -1 bytes; it must be at least 0",
                       ValueError);
  CHECK(NumpyArchiveOptions().largest_unpacked == Index(4) << 30);
}

TEST_CASE("members whose headers ask for too much or for other formats are refused on opening") {
  const Folder folder;
  const auto refused = [&](const Claim& claim, const std::string& because,
                           const std::string& or_because = "no other reason") {
    write_bytes(folder / "claim.npz", claiming(claim));
    const std::string message = refusal(folder / "claim.npz", "a");
    CAPTURE(message);
    CHECK(message.starts_with(folder / "claim.npz"));
    CHECK((message.find(because) != std::string::npos ||
           message.find(or_because) != std::string::npos));
  };
  refused({},
          "a.npy: at byte 4: the file ends within the header");  // that is, the zip file is sound
  refused({.size = 5}, "is stored in 4 bytes, and says that it has 5",
          "cannot open it as a zip file: ");  // or libzip is first
  refused({.size = (std::uint64_t(4) << 30) + 1, .method = 8},
          "4 bytes unpack to 4294967297; at most 4294967296 are read");
  refused({.size = 1 << 20, .method = 8}, "claim.npz/a.npy: at byte 0: ");
  refused({.size = 1 << 30, .packed_size = 1 << 30}, "at byte 0");
  refused({.size = ~std::uint64_t(0)}, "at byte 0");
  refused({.size = ~std::uint64_t(0) >> 1, .method = 8},
          "unpacks to 9223372036854775807 bytes; at most 1152921504606846976 are read");
  refused({.method = 12}, "is packed neither as stored nor as deflated");
  refused({.packed_size = 16, .flags = 1, .bytes = std::string(16, 'x')},
          "is encrypted");  // twelve bytes of them are the key's
  write_bytes(folder / "empty.npz", "");
  CHECK(refusal(folder / "empty.npz", "a").find("too short for a zip file") != std::string::npos);
}

TEST_CASE("a member that has one name in the directory and another before its bytes is refused") {
  const Folder folder;
  std::string bytes = claiming({});
  bytes[bytes.find("a.npy")] = 'b';
  write_bytes(folder / "two_names.npz", bytes);
  CHECK(refusal(folder / "two_names.npz", "a").find("cannot open it as a zip file") !=
        std::string::npos);
}

TEST_CASE("members that are no arrays are left out, arrays that are none are refused") {
  const Folder folder;
  write_zip(folder / "mixed.npz",
            {{"readme.txt", "text"},
             {"a.npy", zeros(3)},
             {"text.npy", "text"},
             {"objects.npy", read_bytes(golden("objects_must_be_refused.npy"))}});
  CHECK(NumpyArchive(folder / "mixed.npz").names() ==
        std::vector<std::string>{"a", "text", "objects"});
  CHECK(refusal(folder / "mixed.npz", "a") == "accepted");
  CHECK(refusal(folder / "mixed.npz", "text")
            .find("mixed.npz/text.npy: at byte 4: the file ends within the header") !=
        std::string::npos);
  CHECK(refusal(folder / "mixed.npz", "objects").find("pickled") != std::string::npos);
}

TEST_CASE("two members of one name are refused") {
  const Folder folder;
  write_zip(folder / "two.npz", {{"a.npy", zeros(3)}, {"b.npy", zeros(4)}});
  write_bytes(folder / "two.npz", replaced(read_bytes(folder / "two.npz"), "b.npy", "a.npy"));
  CHECK_THROWS_AS(NumpyArchive(folder / "two.npz"), FormatError);
}

TEST_CASE("a wrong checksum is an error of the read, not of the shape") {
  const Folder folder;
  write_zip(folder / "wrong.npz", {{"a.npy", zeros(3)}});
  std::string bytes = read_bytes(folder / "wrong.npz");
  bytes[bytes.find("\x93NUMPY") + 130] ^= 1;
  write_bytes(folder / "wrong.npz", bytes);
  CHECK(NumpyArchive(folder / "wrong.npz").shape("a") == Shape{3});
  const std::string message = refusal(folder / "wrong.npz", "a");
  CAPTURE(message);
  CHECK(message.starts_with(folder / "wrong.npz/a.npy: at byte "));
  CHECK(message.find(": cannot read it as a zip file: ") != std::string::npos);
}

TEST_CASE("no flipped bit of an archive changes a number unseen") {
  const Folder folder;
  for (const std::string file : {"stored.npz", "compressed.npz"}) {
    const std::string bytes = read_bytes(golden(file));
    const NumpyArchive original(golden(file));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      CAPTURE(file);
      CAPTURE(bit);
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      write_bytes(folder / "flipped.npz", damaged);
      try {
        const NumpyArchive archive(folder / "flipped.npz");
        for (const std::string& name : archive.names()) {
          const Array array = archive.array(name);
          if (original.contains(name)) CHECK(same(array, original.array(name)));
        }
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE(
    "10000 damaged archives end in numbers or in an Error, and in memory of the file's size") {
  const Folder folder;
  std::vector<std::string> originals;
  for (const std::string& name : golden_names(".npz"))
    originals.push_back(read_bytes(golden(name)));
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  int read = 0;
  for (std::uint64_t seed = 0; seed < 10000; ++seed) {
    CAPTURE(seed);
    Rng random(seed);
    std::string bytes = originals[seed % originals.size()];
    // The directory, which says all the sizes, stands at the end.
    const auto position = [&] {
      return bytes.size() - 1 -
             static_cast<std::size_t>(random.below(static_cast<Index>(
                 random.below(2) ? bytes.size() : std::min<std::size_t>(bytes.size(), 300))));
    };
    for (Index change = 0; change <= random.below(3); ++change) {
      const std::size_t at = position();
      for (std::size_t i = at; i < std::min(bytes.size(), at + (random.below(4) == 0 ? 4 : 1)); ++i)
        bytes[i] =
            std::string("\x00\x01\x7f\x80\xff\xfe", 6)[static_cast<std::size_t>(random.below(6))];
    }
    write_bytes(folder / "damaged.npz", bytes);
    const auto attempt = [&] {
      try {
        const NumpyArchive archive(folder / "damaged.npz");
        for (const std::string& name : archive.names()) read += archive.array(name).count() >= 0;
      } catch (const Error&) {
      }
    };
    CHECK_NOTHROW(attempt());
  }
  CHECK(read > 100);
  CHECK(memory::bytes_peak() - before < 2 << 20);
}
