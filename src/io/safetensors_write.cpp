// Writing safetensors.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <set>
#include <span>
#include <tuple>

#include "fovea/base/error.hpp"
#include "fovea/io/safetensors.hpp"
#include "io/atomic_file.hpp"
#include "io/checksum.hpp"
#include "io/path.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using namespace io;

namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void refuse(const std::string& reason) {
  throw ValueError("write_safetensors: " + reason);
}

struct Source {
  SafetensorsEntry entry;
  std::function<void(const std::function<void(Bytes)>&)> each_piece;  // of its bytes, in order
};

// The source of elements in memory that are written as they are. They outlive the source.
Source as_is(std::string_view type, const Shape& shape, Bytes bytes) {
  return {{.type = find_safetensors_type(type), .shape = shape},
          [bytes](const std::function<void(Bytes)>& use) { use(bytes); }};
}

Source widened(const Ids& ids) {
  return {{.type = find_safetensors_type("I64"), .shape = ids.shape()},
          [values = ids.values()](const std::function<void(Bytes)>& use) {
            std::array<std::int64_t, 4096> wide;
            for (std::size_t at = 0; at < values.size(); at += wide.size()) {
              const auto piece = values.subspan(at, std::min(wide.size(), values.size() - at));
              std::ranges::copy(piece, wide.begin());
              use(std::as_bytes(std::span(wide)).first(piece.size() * sizeof(std::int64_t)));
            }
          }};
}

Source source_of(const Array& array) {
  return as_is(sizeof(real) == 4 ? "F32" : "F64", array.shape(), std::as_bytes(array.values()));
}
Source source_of(const Ids& ids) { return as_is("I32", ids.shape(), std::as_bytes(ids.values())); }
Source source_of(const Mask& mask) {
  return as_is("BOOL", mask.shape(), std::as_bytes(mask.keep()));
}
Source source_of(const StoredTensor& tensor) {
  const SafetensorsType* const type = find_safetensors_type(tensor.dtype);
  if (!type)
    refuse(fmt::format("expected a type of the format ({}), got '{}'", safetensors_type_names(),
                       shown(tensor.dtype)));
  const std::optional<Index> wanted = stored_bytes(*type, tensor.shape);
  if (!wanted || *wanted != static_cast<Index>(tensor.bytes.size()))
    refuse(fmt::format("expected {} bytes for shape {} of type {}, got {}",
                       wanted ? fmt::to_string(*wanted) : "a whole number of",
                       to_string(tensor.shape), tensor.dtype, tensor.bytes.size()));
  return as_is(tensor.dtype, tensor.shape, tensor.bytes);
}

void check_name(const std::string& name, std::string_view reserved) {
  if (name.size() > longest_safetensors_name)
    refuse(fmt::format("expected names of at most {} bytes, got one of {}: \"{}\"",
                       longest_safetensors_name, name.size(), shown(name)));
  if (name == reserved)
    refuse(fmt::format("the name \"{}\" is reserved; choose another one", name));
}

// In the order of the file, which is the reference library's.
std::vector<Source> sources_of(const std::vector<SafetensorsTensor>& tensors, bool wide_ids) {
  if (tensors.size() > most_safetensors)
    refuse(fmt::format("expected at most {} tensors, got {}", most_safetensors, tensors.size()));
  std::set<std::string_view> names;
  std::vector<Source> sources;
  for (const SafetensorsTensor& tensor : tensors) {
    check_name(tensor.name, metadata_name);
    if (!names.insert(tensor.name).second)
      refuse(fmt::format("expected names that differ, got \"{}\" twice", shown(tensor.name)));
    const Ids* const ids = wide_ids ? std::get_if<Ids>(&tensor.tensor) : nullptr;
    sources.push_back(
        ids ? widened(*ids)
            : std::visit([](const auto& value) { return source_of(value); }, tensor.tensor));
    sources.back().entry.name = tensor.name;
  }
  std::ranges::sort(sources, [](const Source& a, const Source& b) {
    return std::tie(b.entry.type, a.entry.name) < std::tie(a.entry.type, b.entry.name);
  });
  Index end = 0;
  for (Source& source : sources) {
    source.entry.begin = end;
    end = source.entry.end = end + *stored_bytes(*source.entry.type, source.entry.shape);
  }
  return sources;
}

// Calls use(bytes) with all of the file.
template <class Use>
void each_piece(const std::string& header, const std::vector<Source>& sources, const Use& use) {
  use(std::as_bytes(std::span(header)));
  for (const Source& source : sources) source.each_piece(use);
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<SafetensorsTensor>& tensors,
                       const SafetensorsMetadata& metadata,
                       const SafetensorsWriteOptions& options) {
  checked_path("write_safetensors", path);
  for (const auto& [name, text] : metadata) {
    check_name(name, checksum_mark);
    check_name(name, checksum_name);
  }
  const std::vector<Source> sources = sources_of(tensors, options.ids_as_int64);
  std::vector<SafetensorsEntry> entries;
  for (const Source& source : sources) entries.push_back(source.entry);
  SafetensorsHeaderText header = write_safetensors_header(entries, metadata, options.checksum);
  if (header.text.size() > largest_safetensors_header)
    refuse(fmt::format("expected a header of at most {} bytes, got {}; shorten the metadata",
                       largest_safetensors_header, header.text.size()));
  const auto length = std::bit_cast<std::array<char, 8>>(header.text.size());
  std::string begin = std::string(length.data(), length.size()) + header.text;
  if (options.checksum) {
    Checksum sum;
    each_piece(begin, sources, [&](Bytes bytes) { sum.add(bytes); });
    begin.replace(static_cast<std::size_t>(header.checksum_begin), Checksum::digits, sum.text());
  }
  AtomicFile file(path);
  each_piece(begin, sources, [&](Bytes bytes) { file.write(bytes); });
  file.commit();
}

}}  // namespace fovea
