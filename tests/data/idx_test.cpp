// IDX files, plain and packed, whole and damaged.
#include "fovea/data/idx.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <stdexcept>

#include "fovea/base/random.hpp"
#include "fovea/data/samples.hpp"
#include "fovea/io/error.hpp"
#include "support/generate.hpp"
#include "support/memory_file.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string idx(int code, const std::vector<Index>& sizes, const std::string& elements) {
  std::string text = {0, 0, static_cast<char>(code), static_cast<char>(sizes.size())};
  for (const Index size : sizes) text += big_endian(static_cast<std::uint64_t>(size), 4);
  return text + elements;
}

std::string packed(const std::string& text) {
  z_stream stream = {};
  if (::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflate");
  std::string result(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  result.resize(stream.total_out);
  ::deflateEnd(&stream);
  return result;
}

class File : public support::MemoryFile {
 public:
  // What reading them is told, without the name.
  std::string told(const std::string& bytes) const {
    const std::string path = (*this)(bytes);
    const std::string message = refusal<FormatError>([&] { static_cast<void>(read_idx(path)); });
    return message.starts_with(path) ? message.substr(path.size() + 2) : message;
  }
};

}  // namespace

TEST_CASE("each type of IDX is read, plain and packed") {
  const File file;
  for (Index trial = 0; trial < 60; ++trial) {
    support::Generate draw("idx", trial);
    const Shape shape = draw.shape(1, 4);
    const std::vector<Index> sizes(shape.sizes().begin(), shape.sizes().end());
    const struct {
      int code, bytes;
      Index low, high;
    } types[] = {{8, 1, 0, 255},
                 {9, 1, -128, 127},
                 {11, 2, -32768, 32767},
                 {12, 4, -2147483647, 2147483647}};
    const auto& type = types[trial % 4];
    std::string elements;
    std::vector<Index> values;
    for (Index i = 0; i < shape.count(); ++i) {
      values.push_back(draw.integer(type.low, type.high));
      elements += big_endian(static_cast<std::uint64_t>(values.back()), type.bytes);
    }
    const std::string text = idx(type.code, sizes, elements);
    for (const std::string& bytes : {text, packed(text)}) {
      const Ids ids = read_idx_ids(file(bytes));
      const Array reals = read_idx(file(bytes));
      CHECK(ids.shape() == shape);
      CHECK(reals.shape() == shape);
      bool same = true;
      for (Index i = 0; i < shape.count(); ++i)
        same &= ids.at(i) == values[static_cast<std::size_t>(i)] &&
                reals.at(i) == static_cast<real>(ids.at(i));
      CHECK(same);
    }
  }
}

TEST_CASE("reals of IDX are read, and are no ids") {
  const File file;
  const std::string floats = idx(13, {2}, big_endian(0x3FC00000, 4) + big_endian(0xC0000000, 4));
  CHECK(read_idx(file(floats)).at(0) == real(1.5));
  CHECK(read_idx(file(floats)).at(1) == -2);
  CHECK(read_idx(file(idx(14, {1}, big_endian(0x3FF8000000000000, 8)))).at(0) == real(1.5));
  CHECK_THROWS_AS(static_cast<void>(read_idx_ids(file(floats))), FormatError);
}

TEST_CASE("a wrong IDX file is refused with the byte") {
  const File file;
  const std::string good = idx(8, {2, 3}, "abcdef");
  CHECK(file.told("") == "at byte 0: the file ends early");
  CHECK(file.told(std::string("\0\0\x08", 3)) == "at byte 3: the file ends early");
  CHECK(file.told("PK\3\4") == "at byte 0: this is no IDX file: it must begin with two zeros");
  CHECK(file.told(std::string("\0\0\x0a\1", 4)) ==
        "at byte 2: elements of type 0x0a; there are 08, 09, 0b to 0e");
  CHECK(file.told(std::string("\0\0\x08\0", 4)) == "at byte 3: expected a rank from 1 to 6, got 0");
  CHECK(file.told(std::string("\0\0\x08\7", 4)) == "at byte 3: expected a rank from 1 to 6, got 7");
  CHECK(file.told(good.substr(0, 17)) ==
        "at byte 4: an array of shape (2, 3) does not fit the file");
  CHECK(file.told(good + "g") == "at byte 18: there are bytes behind the end of the data");
  CHECK(file.told(idx(8, {4294967295, 4294967295, 4294967295}, "")).starts_with("at byte 4: "));
  CHECK(file.told(packed(idx(8, {2, 3}, "abcde"))) ==
        "at byte 34: the packed data end 1 bytes early");
  CHECK(file.told(packed(good + "g")) ==
        "at byte 36: there are more packed data than the header says");
  CHECK(file.told(packed(good) + "x").ends_with("there are bytes behind the end of the data"));
  CHECK(file.told(packed("PK\3\4")) ==
        "at byte 0: of the unpacked data: this is no IDX file: it must begin with two zeros");
  std::string wrong_sum = packed(good);
  wrong_sum[wrong_sum.size() - 5] = static_cast<char>(wrong_sum[wrong_sum.size() - 5] ^ 1);
  CHECK(file.told(wrong_sum).ends_with("the packed data are damaged"));
}

TEST_CASE("a bomb is refused before memory is taken") {
  const File file;
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  // A megabyte of zeros in a kilobyte, which claims to be of four gigabytes.
  const std::string lie = packed(idx(8, {4294967295}, std::string(1 << 20, '\0')));
  CHECK(file.told(lie) ==
        "at byte 4: of the unpacked data: an array of shape (4294967295,) does not fit the file");
  const std::string bomb = packed(idx(8, {1 << 22}, std::string(1 << 22, '\0')));
  CHECK(refusal<FormatError>([&] {
          static_cast<void>(read_idx(file(bomb), {.largest_unpacked = 1 << 20}));
        }).ends_with("the file would unpack to more than 1048576 bytes; raise largest_unpacked"));
  CHECK(memory::bytes_peak() - before < 1 << 20);
  CHECK(read_idx(file(bomb)).count() == 1 << 22);
}

TEST_CASE("20000 damaged IDX files and every truncation end in numbers or in a FormatError") {
  const File file;
  const std::string plain = idx(8, {3, 4}, "abcdefghijkl"), small = packed(plain);
  Index refused = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      static_cast<void>(read_idx(file(bytes)));
    } catch (const FormatError& error) {
      CHECK(error.byte_offset() >= 0);
      ++refused;
    }
  };
  for (const std::string& whole : {plain, small})
    for (std::size_t size = 0; size < whole.size(); ++size) attempt(whole.substr(0, size));
  CHECK(refused == static_cast<Index>(plain.size() + small.size()));
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    CAPTURE(seed);
    Rng random(seed);
    const auto below = [&](std::size_t bound) {
      return static_cast<std::size_t>(random.below(static_cast<Index>(bound)));
    };
    std::string header = plain;
    const std::uint64_t extremes[] = {0, 1, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    if (seed % 4 == 0) header.replace(4 + 4 * below(2), 4, big_endian(extremes[below(6)], 4));
    if (seed % 4 == 1) header[below(12)] = static_cast<char>(random.next());
    std::string bytes = seed % 8 < 4 ? header : packed(header);
    if (seed % 4 > 1) {
      const std::size_t at = below(bytes.size());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }
    attempt(bytes);
  }
  CHECK(refused > 10000);
  CHECK(memory::bytes_peak() - before < 1 << 20);
}
