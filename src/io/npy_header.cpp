// The header of a .npy file: NEP 1, "A Simple File Format for NumPy Arrays". Nothing in it is
// believed before it is checked against the file's size.
#include "io/npy_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>
#include <vector>

#include "fovea/io/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr Index largest_header = 10000;  // NumPy's own limit

struct TypeCode {
  std::string_view code;
  NumpyType type;
  Index size;  // bytes of an element
};

// As NumPy writes types, and behind those its letters for the types of C, which it reads as well.
constexpr TypeCode type_codes[] = {
    {"b1", NumpyType::boolean, 1}, {"i1", NumpyType::int8, 1},    {"i2", NumpyType::int16, 2},
    {"i4", NumpyType::int32, 4},   {"i8", NumpyType::int64, 8},   {"u1", NumpyType::uint8, 1},
    {"u2", NumpyType::uint16, 2},  {"u4", NumpyType::uint32, 4},  {"u8", NumpyType::uint64, 8},
    {"f2", NumpyType::float16, 2}, {"f4", NumpyType::float32, 4}, {"f8", NumpyType::float64, 8},
    {"?", NumpyType::boolean, 1},  {"b", NumpyType::int8, 1},     {"h", NumpyType::int16, 2},
    {"i", NumpyType::int32, 4},    {"l", NumpyType::int64, 8},    {"q", NumpyType::int64, 8},
    {"B", NumpyType::uint8, 1},    {"H", NumpyType::uint16, 2},   {"I", NumpyType::uint32, 4},
    {"L", NumpyType::uint64, 8},   {"Q", NumpyType::uint64, 8},   {"e", NumpyType::float16, 2},
    {"f", NumpyType::float32, 4},  {"d", NumpyType::float64, 8}};

// Text of a file for a message: short, and without characters that a terminal obeys.
std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 40))
    result += c >= ' ' && c <= '~' ? std::string(1, c)
                                   : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text.size() > 40 ? result + "..." : result;
}

// The Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: three keys in any
// order, each once, then blanks. Python 2 writes sizes as 3L where they are long integers.
class HeaderText {
 public:
  HeaderText(const std::string& file, std::string_view text, Index begin)
      : file_(file), text_(text), begin_(begin) {}

  void parse(NumpyHeader& header) {
    std::array<bool, 3> seen = {};
    expect('{');
    while (!accept('}')) {
      parse_entry(header, seen);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_blanks();
    if (position_ < text_.size()) fail("there is more than blanks behind the header's }");
    if (!std::ranges::all_of(seen, std::identity()))
      fail("the header lacks one of 'descr', 'fortran_order', 'shape'");
  }

 private:
  void parse_entry(NumpyHeader& header, std::array<bool, 3>& seen) {
    skip_blanks();
    const std::size_t begin = position_;
    const std::string_view key = parse_quoted();
    const std::size_t number = key == "descr"           ? 0
                               : key == "fortran_order" ? 1
                               : key == "shape"         ? 2
                                                        : 3;
    if (number == 3) fail_at(begin, fmt::format("the header has a key '{}'", shown(key)));
    if (std::exchange(seen[number], true))
      fail_at(begin, fmt::format("the header has the key '{}' twice", key));
    expect(':');
    skip_blanks();
    if (number == 0) parse_type(header);
    if (number == 1) header.fortran_order = parse_truth();
    if (number == 2) header.shape = parse_shape();
  }

  // A byte order, which may be left out, and a code. Whatever is not > is this machine's order.
  void parse_type(NumpyHeader& header) {
    const std::size_t begin = position_;
    if (starts_with("[") || starts_with("("))
      fail("records (structured types) are not read; save one array for each field");
    const std::string_view type = parse_quoted();
    const bool has_order =
        !type.empty() && std::string_view("<>=|").find(type[0]) != std::string_view::npos;
    const std::string_view code = type.substr(has_order ? 1 : 0);
    const auto* const known = std::ranges::find(type_codes, code, &TypeCode::code);
    if (known == std::end(type_codes))
      fail_at(begin, fmt::format("numbers of type '{}' are not read{}; f2 f4 f8, i1 i2 i4 i8, u1 "
                                 "u2 u4 u8 and b1 are, behind < > = | or "
                                 "none",
                                 shown(type), code.empty() ? "" : what_else(code[0])));
    header.type = known->type;
    header.item_size = known->size;
    header.big_endian = type[0] == '>';
    header.type_text = type;
    header.type_begin = begin_ + static_cast<Index>(begin);
  }

  static std::string_view what_else(char kind) {
    if (kind == 'c') return " (complex)";
    if (kind == 'O') return " (pickled Python objects, which may hold programs)";
    if (kind == 'S' || kind == 'U' || kind == 'a') return " (text)";
    if (kind == 'V') return " (raw bytes or records)";
    if (kind == 'M' || kind == 'm') return " (dates or times)";
    return "";
  }

  bool parse_truth() {
    const bool truth = starts_with("True");
    if (!truth && !starts_with("False")) fail("'fortran_order' must be True or False");
    position_ += truth ? 4 : 5;
    return truth;
  }

  // Python's tuple: with one size, a comma stands behind it.
  Shape parse_shape() {
    const std::size_t begin = position_;
    std::vector<Index> sizes;
    expect('(');
    while (!accept(')')) {
      if (sizes.size() == Shape::max_rank)
        fail(fmt::format("the shape has more than {} sizes", Shape::max_rank));
      sizes.push_back(parse_size());
      if (accept(',')) continue;
      if (sizes.size() == 1) fail("a shape of one size is written (size,)");
      expect(')');
      break;
    }
    try {
      return Shape(sizes);
    } catch (const ShapeError& error) {
      fail_at(begin, error.what());
    }
  }

  Index parse_size() {
    skip_blanks();
    Index size = 0;
    const char* const begin = text_.data() + position_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
    if (error == std::errc::result_out_of_range) fail("a size beyond 2^63 - 1");
    if (error != std::errc() || *begin == '-') fail("a size must be a number of digits");
    if (*begin == '0' && end - begin > 1) fail("a size must not begin with a zero");
    position_ += static_cast<std::size_t>(end - begin);
    accept('L');  // Python 2's mark of a long integer
    return size;
  }

  std::string_view parse_quoted() {
    accept_at_once('u');  // Python 2's mark of a text that is not made of bytes
    if (!starts_with("'") && !starts_with("\"")) fail("a text in quotes must stand here");
    const std::size_t begin = position_ + 1;
    const std::size_t end = text_.find(text_[position_], begin);
    if (end == std::string_view::npos) fail("a text in quotes does not end");
    const std::string_view result = text_.substr(begin, end - begin);
    if (result.find('\\') != std::string_view::npos) fail("a text holds a backslash");
    position_ = end + 1;
    return result;
  }

  void skip_blanks() {
    position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size());
  }

  bool starts_with(std::string_view what) const {
    return text_.substr(position_).starts_with(what);
  }

  bool accept(char wanted) {
    skip_blanks();
    return accept_at_once(wanted);
  }

  bool accept_at_once(char wanted) {
    const bool found = position_ < text_.size() && text_[position_] == wanted;
    if (found) ++position_;
    return found;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("a {} must stand here", wanted));
  }

  [[noreturn]] void fail(const std::string& reason) const { fail_at(position_, reason); }
  [[noreturn]] void fail_at(std::size_t position, const std::string& reason) const {
    throw FormatError(file_, begin_ + static_cast<Index>(position), reason);
  }

  const std::string& file_;
  std::string_view text_;
  Index begin_;
  std::size_t position_ = 0;
};

// Reads the parts of the header one after the other.
class HeaderBytes {
 public:
  HeaderBytes(const std::string& file, Index size, const ByteReader& read)
      : file_(file), size_(size), read_(read) {}

  Index position() const { return position_; }

  std::string take(Index count) {
    if (count > size_ - position_)
      throw FormatError(file_, size_, "the file ends within the header");
    std::string bytes(static_cast<std::size_t>(count), '\0');
    read_(std::as_writable_bytes(std::span(bytes)));
    position_ += count;
    return bytes;
  }

 private:
  const std::string& file_;
  Index size_;
  const ByteReader& read_;
  Index position_ = 0;
};

// Through the magic and the version; the result is how many bytes hold the header's length.
Index take_version(const std::string& file, HeaderBytes& bytes) {
  const std::string magic = bytes.take(6);
  if (magic.starts_with("PK"))
    throw FormatError(file, 0, "this is a zip file, such as .npz; NumpyArchive reads it");
  if (magic != "\x93NUMPY")
    throw FormatError(file, 0, "this is not a .npy file: it must begin with \\x93NUMPY");
  const std::string version = bytes.take(2);
  if (version[0] < 1 || version[0] > 3 || version[1] != 0)
    throw FormatError(file, 6,
                      fmt::format("format version {}.{}; 1.0, 2.0 and 3.0 are read",
                                  int(version[0]), int(version[1])));
  return version[0] == 1 ? 2 : 4;
}

Index take_length(const std::string& file, HeaderBytes& bytes, Index width) {
  Index length = 0;
  const std::string digits = bytes.take(width);
  for (std::size_t i = digits.size(); i-- > 0;)
    length = length * 256 + static_cast<unsigned char>(digits[i]);
  if (length > largest_header)
    throw FormatError(
        file, 8, fmt::format("a header of {} bytes; at most {} are read", length, largest_header));
  return length;
}

}  // namespace

NumpyHeader NumpyHeader::read(const std::string& file, Index size, const ByteReader& read) {
  if (size < 0)
    throw ValueError(fmt::format("{}: a size of {} bytes; it must be at least 0", file, size));
  if (!read)
    throw ValueError(
        fmt::format("{}: no reader is given, which would fill a span with the next bytes", file));
  HeaderBytes bytes(file, size, read);
  const Index width = take_version(file, bytes);
  const Index length = take_length(file, bytes, width);
  const Index begin = bytes.position();
  const std::string text = bytes.take(length);
  NumpyHeader header;
  header.data_begin = bytes.position();
  HeaderText(file, text, begin).parse(header);
  const Index wanted = header.shape.count() * header.item_size;  // at most 2^56 elements, see Shape
  const Index left = size - header.data_begin;
  if (wanted != left)
    throw FormatError(
        file, wanted > left ? size : header.data_begin + wanted,
        fmt::format("shape {} of type '{}' takes {} bytes behind the header, the file has {}",
                    to_string(header.shape), header.type_text, wanted, left));
  return header;
}

}}  // namespace fovea
