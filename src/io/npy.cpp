// The numbers of a .npy file, and the files themselves.
#include "fovea/io/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fovea/io/error.hpp"
#include "io/atomic_file.hpp"
#include "io/input_file.hpp"
#include "io/npy_header.hpp"
#include "io/path.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

NumpyArray read_whole(const std::string& path) {
  const io::InputFile file(io::checked_path("read_npy", path));
  Index position = 0;
  const auto read = [&](std::span<std::byte> bytes) {
    file.read(position, bytes);
    position += static_cast<Index>(bytes.size());
  };
  return NumpyArray(path, file.size(), read, file.size());
}

// Who says how many bytes will come may lie: no more than `at_once` of them, or four times what
// came, are made room for.
Buffer read_in_pieces(Index size, Index at_once, const ByteReader& read) {
  constexpr Index smallest = 1 << 20;
  Index room = std::min(size, std::max(at_once, smallest));
  Buffer data(room);
  for (Index came = 0;;) {
    read({data.as<std::byte>() + came, static_cast<std::size_t>(room - came)});
    if (room == size) return data;
    came = room;
    room = size / 4 > room ? 4 * room : size;
    const Buffer larger(room);
    std::copy_n(data.as<std::byte>(), came, larger.as<std::byte>());
    data = larger;
  }
}

void write_numbers(const std::string& path, std::string_view type, const Shape& shape,
                   std::span<const std::byte> numbers) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type,
                                 to_string(shape));
  constexpr std::size_t alignment = 64, preamble = 10;
  text.append((2 * alignment - 1 - (preamble + text.size()) % alignment) % alignment, ' ');
  text += '\n';
  const std::size_t length = text.size();  // below 256: six sizes of at most 17 digits
  const std::string header = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length % 256) +
                             static_cast<char>(length / 256) + text;
  io::AtomicFile file(io::checked_path("write_npy", path));
  file.write(std::as_bytes(std::span(header)));
  file.write(numbers);
  file.commit();
}

}  // namespace

NumpyArray::NumpyArray(const std::string& path) : NumpyArray(read_whole(path)) {}

NumpyArray::NumpyArray(const std::string& file, Index size, const ByteReader& read, Index at_once)
    : file_(file),
      header_(std::make_shared<const NumpyHeader>(NumpyHeader::read(file, size, read))),
      shape_(header_->shape),
      data_(read_in_pieces(size - header_->data_begin, at_once, read)) {}

std::string NumpyArray::type() const { return header_->type_text; }
NumpyHeader NumpyArray::header() const&& { return *header_; }

io::StoredElements NumpyArray::stored() const {
  return {file_,  header_->type_text,    header_->type_begin, header_->type,
          shape_, data_.as<std::byte>(), header_->big_endian, header_->fortran_order};
}

Array NumpyArray::reals() const { return stored().reals(); }
Ids NumpyArray::ids() const { return stored().ids(); }
Mask NumpyArray::mask() const { return stored().mask(); }

Array read_npy(const std::string& path) { return NumpyArray(path).reals(); }
Ids read_npy_ids(const std::string& path) { return NumpyArray(path).ids(); }
Mask read_npy_mask(const std::string& path) { return NumpyArray(path).mask(); }

void write_npy(const std::string& path, const Array& array) {
  write_numbers(path, sizeof(real) == 4 ? "<f4" : "<f8", array.shape(),
                std::as_bytes(array.values()));
}

void write_npy(const std::string& path, const Ids& ids) {
  write_numbers(path, "<i4", ids.shape(), std::as_bytes(ids.values()));
}

}}  // namespace fovea
