// Hostile safetensors files: a list of attacks, every truncation, every flipped bit.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "fovea/io/error.hpp"
#include "safetensors_files.hpp"
#include "support/counting_new.hpp"

using namespace fovea;
using namespace test_files;

namespace {

// A tensor's entry in a header.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

// What opening a file of these bytes is told, without its name; "accepted" if it is opened.
std::string told(const MemoryFile& memory, const std::string& bytes) {
  const std::string path = memory(bytes);
  try {
    SafetensorsFile file(path);
  } catch (const FormatError& error) {
    return std::string(error.what()).substr(path.size() + 2);
  }
  return "accepted";
}

// A small file with a checksum, of every kind of tensor that is written.
std::string checksummed() {
  const Folder folder;
  write_safetensors(folder / "m",
                    {{"w", Array({2, 2}, {1, 2, 3, 4})},
                     {"ids", Ids({3}, {1, 2, 3})},
                     {"keep", Mask({3}, {1, 0, 1})}},
                    {{"note", "small"}});
  return read_bytes(folder / "m");
}

}  // namespace

TEST_CASE("each attack on a safetensors file is refused, with the byte where it is") {
  const MemoryFile memory;
  const std::string u64_of = entry("a", "U8", "[4]", "[0,4]");
  const struct {
    std::string bytes, message;
  } attacks[] = {
      {"", "at byte 0: the file is too short"},
      {"1234567", "at byte 7: the file is too short"},
      {std::string("\x00\xe1\xf5\x05\0\0\0\0{}", 10),
       "at byte 10: the file ends within the header"},
      {std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10), "at byte 0: a header of 100000001 bytes"},
      {std::string(8, '\xff') + "{}", "at byte 0: a header of 18446744073709551615 bytes"},
      {with_header(""), "at byte 8: this is no safetensors file"},
      {with_header(" {}"), "at byte 8: this is no safetensors file: the header must begin with {"},
      {with_header("\xef\xbb\xbf{}"), "at byte 8: this is no safetensors file"},
      {with_header("{}\n"), "at byte 10: the header must end with }"},
      {with_header(std::string("{}\0}", 4)), "at byte 10: the text holds a NUL"},
      {with_header("{}{}"), "at byte 10: the text is no valid JSON"},
      {with_header("{\"\xff\":1}"), "at byte 10: the text is no valid JSON in UTF-8"},
      {with_header("{\"a\" 1}"), "at byte 13: the text is no valid JSON"},
      {with_header("{\"\\ud800\":{}}"), "the text is no valid JSON"},
      {with_header("{\"a\":1}"), "at byte 13: expected an object, got 1"},
      {with_header("{\"a\\\"\\\\\":1}"), "at byte 17: expected an object, got 1"},
      {with_header("{\"a\":[]}"), "at byte 13: expected an object, got ["},
      {with_header("{\"a\":null}"), "at byte 13: expected an object, got null"},
      {with_header("{\"a\":{}}"), "at byte 14: tensor \"a\" lacks one of dtype, shape"},
      {with_header("{" + entry("a", "F5", "[1]", "[0,4]") + "}", 4),
       "at byte 22: tensor \"a\" is of type 'F5'"},
      {with_header("{\"a\":{\"dtype\":4}}"), "at byte 22: expected the name of a type, got 4"},
      {with_header("{\"a\":{\"shape\":\"4\"}}"), "at byte 22: expected a list of whole numbers"},
      {with_header("{\"a\":{\"dtype\":\"U8\",\"code\":\"x\"}}"),
       "at byte 27: tensor \"a\" has a member \"code\""},
      {with_header("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}"),
       "at byte 27: the name \"dtype\" stands twice"},
      {with_header("{" + u64_of + "," + u64_of + "}", 4),
       "at byte 61: the name \"a\" stands twice"},
      {with_header("{\"__metadata__\":{},\"__metadata__\":{}}"),
       "the name \"__metadata__\" stands twice"},
      {with_header("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"),
       "at byte 32: the name \"a\" stands twice"},
      {with_header("{\"__metadata__\":{\"a\":1}}"),
       "at byte 29: expected a text, as all metadata, got 1"},
      {with_header("{\"__metadata__\":{\"a\":{}}}"), "at byte 29: expected a text"},
      {with_header("{\"__metadata__\":[]}"), "at byte 24: expected an object"},
      {with_header("{" + entry("a", "U8", "[-1]", "[0,4]") + "}", 4),
       "expected a whole number, at least 0, got -1"},
      {with_header("{" + entry("a", "U8", "[4.0]", "[0,4]") + "}", 4),
       "expected a whole number, at least 0, got 4.0"},
      {with_header("{" + entry("a", "U8", "[[4]]", "[0,4]") + "}", 4),
       "expected a whole number, at least 0, got ["},
      {with_header("{" + entry("a", "U8", "[1,1,1,1,1,1,4]", "[0,4]") + "}", 4),
       "shape of tensor \"a\" has more than 6 numbers"},
      {with_header("{" + entry("a", "U8", "[9223372036854775808]", "[0,4]") + "}", 4),
       "a number beyond 2^63 - 1"},
      {with_header("{" + entry("a", "U8", "[4294967296,4294967296]", "[0,0]") + "}"),
       "more elements than the address space holds"},
      {with_header("{" + entry("a", "F64", "[2305843009213693952]", "[0,0]") + "}"),
       "more elements than the address space holds"},
      {with_header("{" + entry("a", "F32", "[1073741825]", "[0,4]") + "}", 4),
       "takes 4294967300 bytes; its data_offsets span 4"},
      {with_header("{" + entry("a", "U8", "[4]", "[0,6]") + "}", 6),
       "at byte 54: tensor \"a\" of shape (4,) and type U8 takes 4 bytes; its data_offsets span 6"},
      {with_header("{" + entry("a", "F4", "[3]", "[0,1]") + "}", 1),
       "takes no whole number of bytes"},
      {with_header("{" + entry("a", "U8", "[4]", "[4,0]") + "}", 4),
       "must be two, begin and end; they are [4, 0]"},
      {with_header("{" + entry("a", "U8", "[4]", "[0]") + "}", 4),
       "must be two, begin and end; they are [0]"},
      {with_header("{" + entry("a", "U8", "[4]", "[0,4,4]") + "}", 4),
       "data_offsets of tensor \"a\" has more than 2 numbers"},
      {with_header("{" + entry("a", "U8", "[4]", "[1099511627776,1099511627780]") + "}", 4),
       "begins at byte 1099511627776 of the data"},
      {with_header("{" + u64_of + "}", 3), "ends at byte 4 of the data, of which the file has 3"},
      {with_header("{" + u64_of + "}", 5), "1 bytes behind the last tensor belong to none"},
      {with_header("{" + entry("a", "U8", "[4]", "[1,5]") + "}", 5),
       "begins at byte 1 of the data; the one before ends at 0"},
      {with_header("{" + u64_of + "," + entry("b", "U8", "[4]", "[3,7]") + "}", 7),
       "begins at byte 3 of the data; the one before ends at 4"},
      {with_header("{" + u64_of + "," + entry("b", "U8", "[0]", "[2,2]") + "}", 4),
       "\"b\" begins at byte 2"},
      {with_header("{\"" + std::string(4097, 'x') + "\":1}"), "at byte 9: a name of 4097 bytes"},
      {with_header("{\"a\":{\"shape\":" + std::string(1 << 20, '[') + "}"),
       "at byte 23: expected a whole number"},
      {with_header("{\"__metadata__\":{\"fovea.checksum\":\"md5\"}}"),
       "at byte 42: the metadata promise a checksum 'md5'"},
      {with_header("{\"__metadata__\":{\"fovea.checksum\":\"xxh3_128\"}}"),
       "promise a checksum 'xxh3_128', and hold no xxh3_128"},
      {with_header("{\"__metadata__\":{\"xxh3_128\":\"12\"}}"),
       "at byte 36: the checksum xxh3_128 must be 32 digits"},
      {with_header("{\"__metadata__\":{\"xxh3_128\":\"" + std::string(32, '0') + "\"}}"),
       "at byte 37: the checksum is 0000"},
  };
  int refused = 0;
  for (const auto& attack : attacks) {
    CAPTURE(attack.message);
    const std::string answer = told(memory, attack.bytes);
    CHECK_MESSAGE(answer.find(attack.message) != std::string::npos, answer);
    refused += answer != "accepted";
  }
  std::string many = "{";
  for (int i = 0; i <= 100000; ++i)
    many += (i ? "," : "") + entry(std::to_string(i), "U8", "[0]", "[0,0]");
  CHECK(told(memory, with_header(many + "}")).find("more than 100000 tensors") !=
        std::string::npos);
  std::printf("figure: attacks on safetensors refused = %d\n", refused + 1);
}

TEST_CASE(
    "what the format permits is accepted: empty tensors that share an offset, any order, padding") {
  const MemoryFile memory;
  for (const std::string& bytes :
       {with_header("{}"), with_header("{}     "), with_header("{ \"__metadata__\" : { } }"),
        with_header(
            "{" + entry("b", "U8", "[4]", "[2,6]") + "," + entry("a", "U8", "[2]", "[0,2]") + "}",
            6),
        with_header("{" + entry("a", "U8", "[0]", "[0,0]") + "," +
                        entry("b", "U8", "[2]", "[0,2]") + "," +
                        entry("c", "U8", "[3,0]", "[2,2]") + "}",
                    2),
        with_header("{" + entry("\\u00fc\\ud83d\\ude00\\\"", "F6_E2M3", "[4]", "[0,3]") + "}", 3),
        with_header("{\"a\":{\"data_offsets\":[0,1],\"shape\":[],\"dtype\":\"U8\"}}", 1)})
    CHECK(told(memory, bytes) == "accepted");
}

TEST_CASE("every truncation and every flipped bit of a file with a checksum is refused") {
  const MemoryFile memory;
  const std::string bytes = checksummed();
  CHECK(told(memory, bytes) == "accepted");
  int refused = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    const bool good = told(memory, bytes.substr(0, length)) != "accepted";
    CHECK(good);
    refused += good;
  }
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    CAPTURE(bit);
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const bool good = told(memory, damaged) != "accepted";
    CHECK(good);
    refused += good;
  }
  CHECK(told(memory, bytes + '\0') != "accepted");
  std::printf("figure: truncations and flipped bits of safetensors refused = %d of %zu\n", refused,
              9 * bytes.size());
}

TEST_CASE("a header or a shape that asks for more than the file has costs nothing") {
  const MemoryFile memory;
  for (const std::string& bytes :
       {std::string("\x00\xe1\xf5\x05\0\0\0\0{}", 10), std::string(8, '\x7f') + "{}",
        with_header("{" + entry("a", "U8", "[1099511627776]", "[0,1099511627776]") + "}")}) {
    const std::string path = memory(bytes);
    const std::size_t already = support::requested;
    CHECK_THROWS_AS(SafetensorsFile{path}, FormatError);
    CHECK(support::requested - already < 20000);
  }
}
