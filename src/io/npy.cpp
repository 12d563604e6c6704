// The numbers of a .npy file, and the files themselves.
#include "fovea/io/npy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "fovea/io/error.hpp"
#include "io/atomic_file.hpp"
#include "io/npy_header.hpp"
#include "io/path.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they lie in memory");

namespace {

// A bool takes a byte, of which every value but 0 is true.
struct Truth {
  std::uint8_t byte;
  explicit operator real() const { return byte != 0; }
};

// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;

  explicit operator real() const {
    const bool negative = bits >> 15;
    const std::uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 0)
      return static_cast<real>(fraction) * (negative ? real(-0x1p-24) : real(0x1p-24));
    const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(std::uint32_t(negative) << 31 | wide_exponent << 23 |
                                fraction << 13);
  }
};

// Calls use.operator()<T>() with the type that holds an element.
template <class Use>
void with_element_type(NumpyType type, const Use& use) {
  switch (type) {
    case NumpyType::boolean:
      return use.template operator()<Truth>();
    case NumpyType::int8:
      return use.template operator()<std::int8_t>();
    case NumpyType::int16:
      return use.template operator()<std::int16_t>();
    case NumpyType::int32:
      return use.template operator()<std::int32_t>();
    case NumpyType::int64:
      return use.template operator()<std::int64_t>();
    case NumpyType::uint8:
      return use.template operator()<std::uint8_t>();
    case NumpyType::uint16:
      return use.template operator()<std::uint16_t>();
    case NumpyType::uint32:
      return use.template operator()<std::uint32_t>();
    case NumpyType::uint64:
      return use.template operator()<std::uint64_t>();
    case NumpyType::float16:
      return use.template operator()<Half>();
    case NumpyType::float32:
      return use.template operator()<float>();
    case NumpyType::float64:
      return use.template operator()<double>();
  }
}

template <class T>
T load(const std::byte* from, bool big_endian) {
  std::array<std::byte, sizeof(T)> bytes;
  std::copy_n(from, sizeof(T), bytes.begin());
  if (big_endian) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

// Where the elements lie whose first axis runs fastest, in the order in which the last one does.
class FortranWalk {
 public:
  explicit FortranWalk(const Shape& shape) : shape_(shape) {
    Index step = 1;
    for (std::size_t axis = 0; axis < shape.sizes().size(); ++axis) {
      steps_[axis] = step;
      step *= shape.sizes()[axis];
    }
  }

  Index position() const { return position_; }

  void advance() {
    for (std::size_t axis = shape_.sizes().size(); axis-- > 0;) {
      position_ += steps_[axis];
      if (++index_[axis] < shape_.sizes()[axis]) return;
      position_ -= steps_[axis] * index_[axis];
      index_[axis] = 0;
    }
  }

 private:
  Shape shape_;
  Strides steps_ = {}, index_ = {};
  Index position_ = 0;
};

// Calls use(position, value) for all elements in row-major order.
template <class T, class Use>
void for_each_element(const NumpyHeader& header, const Buffer& data, const Use& use) {
  const std::byte* const bytes = data.as<std::byte>();
  const auto element = [&](Index position) {
    return load<T>(bytes + position * static_cast<Index>(sizeof(T)), header.big_endian);
  };
  FortranWalk walk(header.shape);
  for (Index i = 0; i < header.shape.count(); ++i) {
    use(i, element(header.fortran_order ? walk.position() : i));
    if (header.fortran_order) walk.advance();
  }
}

// A file that is read from its beginning.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) throw IoError(path_, "open", errno);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { ::close(descriptor_); }

  Index size() const {
    struct stat status = {};
    if (::fstat(descriptor_, &status) != 0) throw IoError(path_, "look at", errno);
    if (!S_ISREG(status.st_mode))
      throw IoError(path_, "read what is no ordinary file",
                    S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    return status.st_size;
  }

  void read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::read(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw IoError(path_, "read", errno);
      if (count == 0)
        throw FormatError(path_, position_, "the file became shorter while it was read");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      position_ += count;
    }
  }

 private:
  const std::string& path_;
  int descriptor_;
  Index position_ = 0;
};

NumpyArray read_whole(const std::string& path) {
  InputFile file(io::checked_path("read_npy", path));
  const Index size = file.size();
  return NumpyArray(
      path, size, [&](std::span<std::byte> bytes) { file.read(bytes); }, size);
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

Array NumpyArray::reals() const {
  Array result(shape());
  real* const out = result.mutable_data();
  with_element_type(header_->type, [&]<class T>() {
    for_each_element<T>(*header_, data_,
                        [=](Index i, T value) { out[i] = static_cast<real>(value); });
  });
  return result;
}

Ids NumpyArray::ids() const {
  const Buffer narrow(shape().count() * 4);
  std::int32_t* const out = narrow.as<std::int32_t>();
  with_element_type(header_->type, [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      for_each_element<T>(*header_, data_, [&](Index i, T value) {
        if (!std::in_range<std::int32_t>(value))
          throw ValueError(fmt::format(
              "{}: the value at position {} is {}, which does not fit 32 bits", file_, i, value));
        out[i] = static_cast<std::int32_t>(
            value);  // NOLINT(bugprone-signed-char-misuse): i1 holds numbers
      });
    } else {
      throw FormatError(
          file_, header_->type_begin,
          fmt::format("numbers of type '{}' are not ids; ids are integers", header_->type_text));
    }
  });
  return Ids(shape(),
             std::span<const std::int32_t>(out, static_cast<std::size_t>(shape().count())));
}

Mask NumpyArray::mask() const {
  if (header_->type != NumpyType::boolean && header_->type != NumpyType::uint8)
    throw FormatError(
        file_, header_->type_begin,
        fmt::format("numbers of type '{}' are not a mask; masks are b1 or u1", header_->type_text));
  Mask result(shape());
  for_each_element<std::uint8_t>(*header_, data_, [&](Index i, std::uint8_t value) {
    result.mutable_keep()[static_cast<std::size_t>(i)] = value != 0;
  });
  return result;
}

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
