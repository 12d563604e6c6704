// The format is that of http://yann.lecun.com/exdb/mnist: two zeros, a type, the rank, the sizes,
// the elements, all big-endian.
#include "fovea/data/idx.hpp"

#include <fmt/format.h>

#include <array>

#include "data/gzip_file.hpp"
#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/path.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using io::ElementType;

struct IdxType {
  unsigned code;
  ElementType type;
  std::string_view name;
  Index bytes;
};
constexpr IdxType types[] = {
    {0x08, ElementType::uint8, "u1", 1},   {0x09, ElementType::int8, "i1", 1},
    {0x0B, ElementType::int16, "i2", 2},   {0x0C, ElementType::int32, "i4", 4},
    {0x0D, ElementType::float32, "f4", 4}, {0x0E, ElementType::float64, "f8", 8}};

class IdxReader {
 public:
  IdxReader(const std::string& path, const IdxOptions& options) : path_(path), file_(path) {
    read_header();
    const Index most = (file_.most_unpacked() - position_) / type_->bytes;
    if (shape_.count() > most)
      fail(4, fmt::format("an array of shape {} does not fit the file", to_string(shape_)));
    if (file_.packed() && shape_.count() > (options.largest_unpacked - position_) / type_->bytes)
      fail(4, fmt::format("the file would unpack to more than {} bytes; raise largest_unpacked",
                          options.largest_unpacked));
    const Index bytes = shape_.count() * type_->bytes;
    elements_ = Buffer(bytes);
    file_.read({elements_.as<std::byte>(), static_cast<std::size_t>(bytes)});
    file_.expect_end();
  }

  io::StoredElements stored() const {
    return {path_, type_->name, 2, type_->type, shape_, elements_.as<std::byte>(), true, false};
  }

 private:
  void read_header() {
    const std::array<unsigned char, 4> mark = next();
    if (mark[0] != 0 || mark[1] != 0) fail(0, "this is no IDX file: it must begin with two zeros");
    for (const IdxType& type : types)
      if (type.code == mark[2]) type_ = &type;
    if (!type_)
      fail(2, fmt::format("elements of type 0x{:02x}; there are 08, 09, 0b to 0e", mark[2]));
    if (mark[3] < 1 || mark[3] > Shape::max_rank)
      fail(3, fmt::format("expected a rank from 1 to {}, got {}", Shape::max_rank, mark[3]));
    std::vector<Index> sizes(mark[3]);
    for (Index& size : sizes) {
      size = 0;
      for (const unsigned char byte : next()) size = 256 * size + byte;
    }
    try {
      shape_ = Shape(sizes);
    } catch (const ShapeError& error) {
      fail(4, error.what());
    }
  }

  std::array<unsigned char, 4> next() {
    std::array<unsigned char, 4> bytes = {};
    file_.read(std::as_writable_bytes(std::span(bytes)));
    position_ += 4;
    return bytes;
  }

  [[noreturn]] void fail(Index byte, const std::string& reason) const {
    throw FormatError(path_, byte, (file_.packed() ? "of the unpacked data: " : "") + reason);
  }

  std::string path_;
  GzipFile file_;
  Index position_ = 0;
  const IdxType* type_ = nullptr;
  Shape shape_;
  Buffer elements_;
};

}  // namespace

Array read_idx(const std::string& path, const IdxOptions& options) {
  return IdxReader(io::checked_path("read_idx", path), options).stored().reals();
}

Ids read_idx_ids(const std::string& path, const IdxOptions& options) {
  return IdxReader(io::checked_path("read_idx_ids", path), options).stored().ids();
}

}}  // namespace fovea
