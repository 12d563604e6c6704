#include "fovea/io/file_array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/io/error.hpp"
#include "io/input_file.hpp"
#include "io/npy_header.hpp"
#include "io/path.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using namespace io;

/// An open file, and where in it the rows are.
struct FileArray::Contents {
  // Returns the shape of the rows at `positions`. Throws IndexError for one that is not there.
  Shape shape_of(std::span<const Index> positions) const {
    for (const Index i : positions)
      if (i < 0 || i >= shape[0])
        throw IndexError(fmt::format("{}: row {} of {}", name, i, shape[0]));
    return shape.with(0, static_cast<Index>(positions.size()));
  }

  // Reads rows one after another into `to`.
  void read(std::span<const Index> positions, std::byte* to) const {
    for (std::size_t i = 0; i < positions.size();) {
      std::size_t next = i + 1;
      while (next < positions.size() && positions[next] == positions[next - 1] + 1) ++next;
      const auto bytes = static_cast<std::size_t>(static_cast<Index>(next - i) * row_bytes);
      file->read(begin + positions[i] * row_bytes, {to, bytes});
      to += bytes;
      i = next;
    }
  }

  std::string name;
  std::unique_ptr<InputFile> file;
  Index begin;  // of the first row
  Index row_bytes;
  ElementType type;
  bool big_endian;
  Shape shape;
  std::string type_text;
  Index type_begin;
  std::string mask_types;
};

namespace {

bool is_integer_type(ElementType type) {
  return type >= ElementType::int8 && type <= ElementType::uint64;
}

void check_rank(const std::string& name, const Shape& shape, Index type_begin) {
  if (shape.rank() == 0)
    throw FormatError(name, type_begin, "a scalar; rows lie along the first axis");
}

}  // namespace

FileArray::FileArray(std::shared_ptr<const Contents> contents) : contents_(std::move(contents)) {}

FileArray FileArray::npy(const std::string& path) {
  auto file = std::make_unique<InputFile>(checked_path("FileArray", path));
  Index position = 0;
  const NumpyHeader header = NumpyHeader::read(path, file->size(), [&](std::span<std::byte> bytes) {
    file->read(position, bytes);
    position += static_cast<Index>(bytes.size());
  });
  check_rank(path, header.shape, header.type_begin);
  if (header.fortran_order && header.shape.rank() > 1)
    throw FormatError(path, header.type_begin,
                      "in Fortran order the elements of a row do not lie together; write it with "
                      "numpy.ascontiguousarray, or read it as a whole with read_npy");
  const Index rows = std::max<Index>(1, header.shape[0]);
  return FileArray(std::make_shared<const Contents>(
      Contents{path, std::move(file), header.data_begin,
               header.shape.count() / rows * header.item_size, header.type, header.big_endian,
               header.shape, header.type_text, header.type_begin, "b1 or u1"}));
}

FileArray FileArray::safetensors(const std::string& path, const std::string& name) {
  auto file = std::make_unique<InputFile>(checked_path("FileArray", path));
  const std::string text = read_safetensors_header(path, *file);
  const SafetensorsHeader header = parse_safetensors_header(path, file->size(), text);
  const auto found = header.places.find(name);
  if (found == header.places.end())
    throw IndexError(fmt::format("{}: there is no tensor \"{}\" among {}", path, shown(name),
                                 header.tensors.size()));
  const SafetensorsEntry& entry = header.tensors[found->second];
  if (!entry.type->element)
    throw FormatError(path, entry.type_begin,
                      fmt::format("tensor \"{}\" is of type {}, which is not converted",
                                  shown(name), entry.type->name));
  check_rank(path, entry.shape, entry.type_begin);
  const Index rows = std::max<Index>(1, entry.shape[0]);
  return FileArray(std::make_shared<const Contents>(
      Contents{path + "/" + shown(name), std::move(file),
               safetensors_length_bytes + static_cast<Index>(text.size()) + entry.begin,
               (entry.end - entry.begin) / rows, *entry.type->element, false, entry.shape,
               std::string(entry.type->name), entry.type_begin, "BOOL or U8"}));
}

const Shape& FileArray::shape() const& { return contents_->shape; }
bool FileArray::is_integer() const { return is_integer_type(contents_->type); }
const std::string& FileArray::name() const& { return contents_->name; }

// Returns use(elements) of the rows.
template <class Use>
auto FileArray::converted(std::span<const Index> positions, const Use& use) const {
  const Contents& all = *contents_;
  const Shape shape = all.shape_of(positions);
  const Buffer bytes(static_cast<Index>(positions.size()) * all.row_bytes);
  all.read(positions, bytes.as<std::byte>());
  return use(StoredElements{.file = all.name,
                            .type_text = all.type_text,
                            .type_begin = all.type_begin,
                            .type = all.type,
                            .shape = shape,
                            .bytes = bytes.as<std::byte>(),
                            .big_endian = all.big_endian,
                            .mask_types = all.mask_types});
}

Array FileArray::rows(std::span<const Index> positions) const {
  if (contents_->type != real_type || contents_->big_endian)
    return converted(positions, [](const StoredElements& from) { return from.reals(); });
  Array result(contents_->shape_of(positions));
  contents_->read(positions, std::as_writable_bytes(result.mutable_values()).data());
  return result;
}

std::vector<double> FileArray::doubles(std::span<const Index> positions) const {
  return converted(positions, [](const StoredElements& from) { return from.doubles(); });
}

Ids FileArray::ids(std::span<const Index> positions) const {
  if (contents_->type != id_type || contents_->big_endian)
    return converted(positions, [](const StoredElements& from) { return from.ids(); });
  Ids result(contents_->shape_of(positions));
  contents_->read(positions, std::as_writable_bytes(result.mutable_values()).data());
  return result;
}

Mask FileArray::mask(std::span<const Index> positions) const {
  return converted(positions, [](const StoredElements& from) { return from.mask(); });
}

}}  // namespace fovea
