#include "fovea/io/npy.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "files.hpp"
#include "fovea/base/random.hpp"
#include "fovea/io/error.hpp"
#include "io/npy_header.hpp"
#include "support/seed.hpp"

using namespace fovea;
using namespace test_files;

namespace {

const nlohmann::json& listing() {
  static const nlohmann::json all = nlohmann::json::parse(read_bytes(golden("listing.json")));
  return all;
}

// As the reader rounds: once, from the number that the file holds.
real to_real(const nlohmann::json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);  // in every locale the same
    return static_cast<real>(number);
  }
  if (value.is_number_unsigned()) return static_cast<real>(value.get<std::uint64_t>());
  return static_cast<real>(value.get<std::int64_t>());
}

bool same_bits(real a, real b) {
  return std::memcmp(&a, &b, sizeof(real)) == 0 || (std::isnan(a) && std::isnan(b));
}

Shape to_shape(const nlohmann::json& sizes) { return Shape(sizes.get<std::vector<Index>>()); }

// Version 1.0 with this header text, without padding, and `data` bytes of zeros.
std::string file_with(const std::string& text, std::size_t data = 0) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(text.size() % 256) +
         static_cast<char>(text.size() / 256) + text + std::string(data, '\0');
}

std::string header_text(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

// What NumPy itself writes for the type where the small end comes first.
std::string written_as(NumpyType type) {
  constexpr const char* texts[] = {"|b1", "|i1", "<i2", "<i4", "<i8", "|u1",
                                   "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"};
  return texts[static_cast<int>(type)];
}

// What the message of the FormatError says; "accepted" if there is none.
std::string refusal(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE(
    "files of NumPy hold what NumPy says: every type, both byte orders, both element orders") {
  CHECK(listing()["npy"].size() == 21);
  for (const auto& item : listing()["npy"].items()) {
    const std::string& name = item.key();
    const nlohmann::json& entry = item.value();
    CAPTURE(name);
    const NumpyArray file(golden(name + ".npy"));
    CHECK(file.header().type_text == entry["descr"].get<std::string>());
    CHECK(file.header().fortran_order == entry["fortran_order"].get<bool>());
    const Array array = read_npy(golden(name + ".npy"));
    REQUIRE(array.shape() == to_shape(entry["shape"]));
    REQUIRE(array.count() == static_cast<Index>(entry["values"].size()));
    for (Index i = 0; i < array.count(); ++i)
      CHECK(same_bits(array.at(i), to_real(entry["values"][static_cast<std::size_t>(i)])));
  }
}

TEST_CASE("format versions 1.0, 2.0 and 3.0 hold the same array") {
  const Array expected = read_npy(golden("f4.npy"));
  for (const std::string version : {"1_0", "2_0", "3_0"}) {
    const Array array = read_npy(golden("f4_version_" + version + ".npy"));
    CHECK(array.shape() == expected.shape());
    CHECK(std::ranges::equal(array.values(), expected.values()));
  }
}

TEST_CASE("ids come from every integer type and from no other") {
  for (const std::string name : {"i1", "i2", "i4", "i4_big_endian", "u1", "u2"}) {
    CAPTURE(name);
    const Ids ids = read_npy_ids(golden(name + ".npy"));
    const nlohmann::json& entry = listing()["npy"][name];
    CHECK(ids.shape() == to_shape(entry["shape"]));
    CHECK(std::ranges::equal(ids.values(), entry["values"].get<std::vector<std::int32_t>>()));
  }
  for (const std::string name : {"i8", "u4", "u8"})
    CHECK_THROWS_AS(read_npy_ids(golden(name + ".npy")), ValueError);
  for (const std::string name : {"f2", "f4", "f8", "bool"})
    CHECK_THROWS_AS(read_npy_ids(golden(name + ".npy")), FormatError);
  CHECK_THROWS_WITH_AS(
      read_npy_ids(golden("u4.npy")),
      (golden("u4.npy") + ": the value at position 1 is 4294967295, which does not fit 32 bits")
          .c_str(),
      ValueError);
  CHECK(parse(file_with(header_text("<i8", "(1,)")) +
              std::string("\x00\x00\x00\x80\xff\xff\xff\xff", 8))
            .ids()
            .at(0) == -2147483648);
}

TEST_CASE("masks come from bool and u1 and from no other type") {
  const Mask mask = read_npy_mask(golden("bool.npy"));
  CHECK(mask.shape() == Shape{2, 3});
  CHECK(std::ranges::equal(mask.keep(),
                           listing()["npy"]["bool"]["values"].get<std::vector<std::uint8_t>>()));
  CHECK(read_npy_mask(golden("u1.npy")).kept() == 5);
  for (const std::string name : {"i1", "i4", "f4"})
    CHECK_THROWS_AS(read_npy_mask(golden(name + ".npy")), FormatError);
}

TEST_CASE("all 65536 half-precision numbers become the real of the same value") {
  std::string bytes = file_with(header_text(">f2", "(65536,)"));
  for (int bits = 0; bits < 65536; ++bits)
    (bytes += static_cast<char>(bits / 256)) += static_cast<char>(bits % 256);
  const Array array = parse(bytes).reals();
  for (int bits = 0; bits < 65536; ++bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31)
      value = fraction == 0 ? std::numeric_limits<double>::infinity()
                            : std::numeric_limits<double>::quiet_NaN();
    if (!same_bits(array.at(bits), static_cast<real>(bits < 32768 ? value : -value)))
      FAIL_CHECK("half ", bits, " became ", array.at(bits));
  }
}

TEST_CASE("complex numbers, text, records and objects are refused, and the message names them") {
  CHECK(golden_names("_must_be_refused.npy").size() == 4);
  for (const std::string& name : golden_names("_must_be_refused.npy"))
    CHECK_THROWS_AS(read_npy(golden(name)), FormatError);
  CHECK(refusal(read_bytes(golden("complex_must_be_refused.npy")))
            .find("'<c8' are not read (complex)") != std::string::npos);
  CHECK(refusal(read_bytes(golden("objects_must_be_refused.npy")))
            .find("'|O' are not read (pickled Python objects") != std::string::npos);
  CHECK(refusal(read_bytes(golden("strings_must_be_refused.npy")))
            .find("'<U2' are not read (text)") != std::string::npos);
  CHECK(refusal(read_bytes(golden("structured_must_be_refused.npy"))).find("records") !=
        std::string::npos);
  CHECK(refusal(read_bytes(golden("stored.npz"))).find("NumpyArchive reads it") !=
        std::string::npos);
}

TEST_CASE("a file cut off anywhere, or longer by one byte, is refused") {
  const Folder folder;
  for (const std::string& name : golden_names(".npy")) {
    if (name.ends_with("_must_be_refused.npy")) continue;
    const std::string bytes = read_bytes(golden(name));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(name);
      CAPTURE(length);
      write_bytes(folder / "cut.npy", bytes.substr(0, length));
      CHECK_THROWS_AS(read_npy(folder / "cut.npy"), FormatError);
    }
    CHECK(refusal(bytes + '\0').find("at byte " + std::to_string(bytes.size())) !=
          std::string::npos);
  }
}

TEST_CASE("headers that Python would not write are refused at the byte that is wrong") {
  const auto shaped = [](const std::string& shape, std::size_t data = 4) {
    return refusal(file_with(header_text("<f4", shape), data));
  };
  CHECK(shaped("(1,)") == "accepted");
  CHECK(shaped("(1, 1, 1, 1, 1, 1)") == "accepted");
  CHECK(shaped("(1, 1, 1, 1, 1, 1, 1)") ==
        "memory.npy: at byte 79: the shape has more than 6 sizes");
  CHECK(shaped("(-1,)") == "memory.npy: at byte 61: a size must be a number of digits");
  CHECK(shaped("(1)") == "memory.npy: at byte 62: a shape of one size is written (size,)");
  CHECK(shaped("(1L)") == "memory.npy: at byte 63: a shape of one size is written (size,)");
  CHECK(shaped("(1LL,)") == "memory.npy: at byte 63: a shape of one size is written (size,)");
  CHECK(shaped("(1l,)") == "memory.npy: at byte 62: a shape of one size is written (size,)");
  CHECK(shaped("(L,)") == "memory.npy: at byte 61: a size must be a number of digits");
  CHECK(shaped("(01,)") == "memory.npy: at byte 61: a size must not begin with a zero");
  CHECK(shaped("(9223372036854775808,)") == "memory.npy: at byte 61: a size beyond 2^63 - 1");
  CHECK(shaped("(4294967296, 4294967296)") ==
        "memory.npy: at byte 60: Shape: more elements than the address space holds: (4294967296, "
        "4294967296)");
  CHECK(
      shaped("(0, 4294967296, 4294967296)") ==
      "memory.npy: at byte 60: Shape: more elements than the address space holds: (0, 4294967296, "
      "4294967296)");
  CHECK(shaped("(72057594037927936,)") ==
        "memory.npy: at byte 88: shape (72057594037927936,) of type '<f4' takes 288230376151711744 "
        "bytes behind the header, the file has 4");
  CHECK(refusal(file_with("{'descr': '<f4', 'descr': '<f4', 'shape': ()}", 4)) ==
        "memory.npy: at byte 27: the header has the key 'descr' twice");
  CHECK(refusal(file_with("{'descr': '<f4', 'shape': ()}", 4)) ==
        "memory.npy: at byte 39: the header lacks one of 'descr', 'fortran_order', 'shape'");
  CHECK(refusal(file_with("{'more': 1}", 4)) ==
        "memory.npy: at byte 11: the header has a key 'more'");
  CHECK(refusal(file_with(header_text("<f4", "()") + "()", 4)) ==
        "memory.npy: at byte 66: there is more than blanks behind the header's }");
  CHECK(refusal(file_with("{'fortran_order': 1}")) ==
        "memory.npy: at byte 28: 'fortran_order' must be True or False");
  for (const std::string type : {"", "<", "<f3", "<f44", "<b2", "*f4", "<f4'", "<<f4", "| f4",
                                 " f4", "f4 ", "?1", "|?4", "u", "float32"})
    CHECK(refusal(file_with(header_text(type, "()"), 4)) != "accepted");
  CHECK(refusal(file_with("{'descr': b'<f4', 'fortran_order': False, 'shape': ()}", 4)) ==
        "memory.npy: at byte 20: a text in quotes must stand here");
}

TEST_CASE("headers as NumPy 1 on Python 2 wrote them are read: sizes like 3L, texts like u'<f4'") {
  const auto shape = [](const std::string& text, std::size_t count) {
    return parse(file_with("{u'descr': u'<f4', 'fortran_order': False, u'shape': " + text + "}",
                           4 * count))
        .shape();
  };
  CHECK(shape("(3L, 4L)", 12) == Shape{3, 4});
  CHECK(shape("(3L,)", 3) == Shape{3});
  CHECK(shape("(0L, 7, 2L,)", 0) == Shape{0, 7, 2});
  CHECK(shape("(3 L, 1)", 3) == Shape{3, 1});  // NumPy looks for numbers and an L behind them
  CHECK(shape("()", 1) == Shape());
}

TEST_CASE(
    "types are read with any byte order or none, by size or by the letter of C's type, as NumPy "
    "reads them") {
  struct Code {
    const char* code;
    NumpyType type;
    std::size_t size;
  };
  constexpr Code codes[] = {
      {"b1", NumpyType::boolean, 1}, {"?", NumpyType::boolean, 1},  {"i1", NumpyType::int8, 1},
      {"b", NumpyType::int8, 1},     {"u1", NumpyType::uint8, 1},   {"B", NumpyType::uint8, 1},
      {"i2", NumpyType::int16, 2},   {"h", NumpyType::int16, 2},    {"u2", NumpyType::uint16, 2},
      {"H", NumpyType::uint16, 2},   {"i4", NumpyType::int32, 4},   {"i", NumpyType::int32, 4},
      {"u4", NumpyType::uint32, 4},  {"I", NumpyType::uint32, 4},   {"i8", NumpyType::int64, 8},
      {"l", NumpyType::int64, 8},    {"q", NumpyType::int64, 8},    {"u8", NumpyType::uint64, 8},
      {"L", NumpyType::uint64, 8},   {"Q", NumpyType::uint64, 8},   {"f2", NumpyType::float16, 2},
      {"e", NumpyType::float16, 2},  {"f4", NumpyType::float32, 4}, {"f", NumpyType::float32, 4},
      {"f8", NumpyType::float64, 8}, {"d", NumpyType::float64, 8}};
  Rng random(support::seed());
  for (const Code& code : codes) {
    for (const std::string order : {"", "|", "=", "<", ">"}) {
      CAPTURE(order + code.code);
      std::string bytes(code.size * 5, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random.next());
      std::string small_end = bytes;
      for (std::size_t i = 0; order == ">" && i < 5; ++i)
        std::reverse(&small_end[i * code.size], &small_end[i * code.size] + code.size);
      const NumpyArray got = parse(file_with(header_text(order + code.code, "(5,)")) + bytes);
      CHECK(got.header().type == code.type);
      CHECK(got.header().type_text == order + code.code);
      const Array expected =
          parse(file_with(header_text(written_as(code.type), "(5,)")) + small_end).reals();
      for (Index i = 0; i < 5; ++i) CHECK(same_bits(got.reals().at(i), expected.at(i)));
    }
  }
}

TEST_CASE("a header may have 10000 bytes, and claims beyond that cost no memory") {
  const std::string text = header_text("<f4", "()");
  CHECK(refusal(file_with(text + std::string(10000 - text.size(), ' '), 4)) == "accepted");
  CHECK(refusal(file_with(text + std::string(10001 - text.size(), ' '), 4)) ==
        "memory.npy: at byte 8: a header of 10001 bytes; at most 10000 are read");
  CHECK(refusal(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)) ==
        "memory.npy: at byte 8: a header of 4294967295 bytes; at most 10000 are read");
  CHECK(refusal("\x93NUMPY\x04" + std::string(9, '\0')) ==
        "memory.npy: at byte 6: format version 4.0; 1.0, 2.0 and 3.0 are read");
  CHECK(refusal("\x93NUMPY\x01\x01" + std::string(9, '\0')) ==
        "memory.npy: at byte 6: format version 1.1; 1.0, 2.0 and 3.0 are read");
}

TEST_CASE("what is written is read again bit by bit, and its numbers begin at a multiple of 64") {
  const Folder folder;
  using limits = std::numeric_limits<real>;
  const Array special({2, 5}, {limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
                               -limits::quiet_NaN(), 0, real(-0.0), limits::denorm_min(),
                               limits::max(), limits::lowest(), limits::epsilon()});
  for (const Array& array : {special, Array(Shape(), {real(2.5)}), Array(), Array::zeros({3, 0, 2}),
                             Array::full({1, 2, 1, 3, 1, 2}, -1)}) {
    write_npy(folder / "array.npy", array);
    const NumpyArray file(folder / "array.npy");
    const Array back = file.reals();
    CHECK(file.header().data_begin % 64 == 0);
    CHECK(file.header().type_text == (sizeof(real) == 4 ? "<f4" : "<f8"));
    REQUIRE(back.shape() == array.shape());
    CHECK(std::ranges::equal(std::as_bytes(back.values()), std::as_bytes(array.values())));
  }
  const Ids ids({3, 1}, {-2147483647 - 1, 0, 2147483647});
  write_npy(folder / "array.npy", ids);
  CHECK(read_npy_ids(folder / "array.npy").shape() == ids.shape());
  CHECK(std::ranges::equal(read_npy_ids(folder / "array.npy").values(), ids.values()));
  CHECK(folder.names() == std::vector<std::string>{"array.npy"});
}

TEST_CASE("NumPy's own bytes are written for NumPy's array") {
  const Folder folder;
  if (sizeof(real) == 4) {
    write_npy(folder / "f4.npy", read_npy(golden("f4.npy")));
    CHECK(read_bytes(folder / "f4.npy") == read_bytes(golden("f4.npy")));
  }
  write_npy(folder / "i4.npy", read_npy_ids(golden("i4.npy")));
  CHECK(read_bytes(folder / "i4.npy") == read_bytes(golden("i4.npy")));
}

TEST_CASE("paths that cannot be read or written throw IoError and leave nothing behind") {
  const Folder folder;
  std::filesystem::create_directory(folder / "target");
  CHECK_THROWS_AS(read_npy(folder / "none.npy"), IoError);
  CHECK_THROWS_AS(read_npy(folder / "target"), IoError);
  CHECK_THROWS_AS(read_npy("/dev/zero"), IoError);
  CHECK_THROWS_AS(write_npy(folder / "none/array.npy", Array::zeros({3})), IoError);
  CHECK_THROWS_AS(write_npy(folder / "target", Array::zeros({3})), IoError);
  CHECK_THROWS_AS(write_npy(folder / "target/", Array::zeros({3})), IoError);
  CHECK(folder.names() == std::vector<std::string>{"target"});
  CHECK(std::filesystem::is_empty(folder / "target"));
}
