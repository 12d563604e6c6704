// Reading safetensors: the header at once, tensors when they are asked for.
#include "fovea/io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "fovea/io/error.hpp"
#include "io/checksum.hpp"
#include "io/input_file.hpp"
#include "io/path.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using namespace io;

namespace {

constexpr Index length_bytes = safetensors_length_bytes;

}  // namespace

struct SafetensorsFile::Contents {
  explicit Contents(const std::string& name)
      : path(name),
        file(name),
        text(read_safetensors_header(path, file)),
        header(parse_safetensors_header(path, file.size(), text)),
        data_begin(length_bytes + static_cast<Index>(text.size())) {
    for (const SafetensorsEntry& entry : header.tensors) names.push_back(entry.name);
  }

  // The sum over the file, with zeros where the sum itself stands.
  void verify() {
    const std::size_t begin = static_cast<std::size_t>(header.checksum_begin - length_bytes);
    Checksum sum;
    const auto length = std::bit_cast<std::array<std::byte, length_bytes>>(text.size());
    sum.add(length);
    sum.add(std::as_bytes(
        std::span(std::string(text).replace(begin, Checksum::digits, Checksum::digits, '0'))));
    const Buffer piece(std::min(file.size() - data_begin, Index(1) << 20));
    for (Index at = data_begin; at < file.size();) {
      const std::span<std::byte> bytes(
          piece.as<std::byte>(),
          static_cast<std::size_t>(std::min(file.size() - at, Index(1) << 20)));
      file.read(at, bytes);
      sum.add(bytes);
      at += static_cast<Index>(bytes.size());
    }
    if (sum.text() != header.checksum)
      throw FormatError(
          path, header.checksum_begin,
          fmt::format(
              "the checksum is {}, the file's own is {}; the file is damaged, "
              "or another program has changed it and kept its metadata; copy it anew, or take "
              "the file that was saved before it",
              header.checksum, sum.text()));
  }

  const SafetensorsEntry& find(std::string_view name) const {
    const auto found = header.places.find(name);
    if (found != header.places.end()) return header.tensors[found->second];
    std::vector<std::string> first;
    for (const std::string& known : names)
      if (first.size() < 10) first.push_back(shown(known));
    throw IndexError(
        fmt::format("{}: expected the name of a tensor, got \"{}\"; there are {}{}{}{}", path,
                    shown(name), names.size(), names.empty() ? "" : ": ", fmt::join(first, ", "),
                    first.size() < names.size() ? ", ..." : ""));
  }

  void read(const SafetensorsEntry& entry, std::span<std::byte> bytes) const {
    file.read(data_begin + entry.begin, bytes);
  }

  // Calls use(elements) with what the file stores.
  template <class Use>
  auto converted(const SafetensorsEntry& entry, const Use& use) const {
    if (!entry.type->element)
      throw FormatError(path, entry.type_begin,
                        fmt::format("tensor \"{}\" is of type {}, which is not converted; stored() "
                                    "reads its bytes",
                                    shown(entry.name), entry.type->name));
    const Buffer bytes(entry.end - entry.begin);
    read(entry, {bytes.as<std::byte>(), static_cast<std::size_t>(entry.end - entry.begin)});
    const std::string label = path + "/" + shown(entry.name);
    return use(StoredElements{.file = label,
                              .type_text = entry.type->name,
                              .type_begin = entry.type_begin,
                              .type = *entry.type->element,
                              .shape = entry.shape,
                              .bytes = bytes.as<std::byte>(),
                              .mask_types = "BOOL or U8"});
  }

  std::string path;
  InputFile file;
  std::string text;  // of the header
  SafetensorsHeader header;
  Index data_begin;
  std::vector<std::string> names = {};
};

SafetensorsFile::SafetensorsFile(const std::string& path, const SafetensorsOptions& options) {
  auto contents = std::make_unique<Contents>(checked_path("SafetensorsFile", path));
  if (options.verify && !contents->header.checksum.empty()) contents->verify();
  contents->text = {};
  contents_ = std::move(contents);
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&& other) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

const SafetensorsFile::Contents* SafetensorsFile::contents() const {
  if (!contents_)
    throw StateError("SafetensorsFile: it was moved from; ask the one that it was moved to");
  return contents_.get();
}

const std::vector<std::string>& SafetensorsFile::names() const& { return contents()->names; }
bool SafetensorsFile::contains(std::string_view name) const {
  return contents()->header.places.contains(name);
}
const SafetensorsMetadata& SafetensorsFile::metadata() const& {
  return contents()->header.metadata;
}
std::string SafetensorsFile::checksum() const { return contents()->header.checksum; }
Shape SafetensorsFile::shape(std::string_view name) const { return contents()->find(name).shape; }
std::string SafetensorsFile::dtype(std::string_view name) const {
  return std::string(contents()->find(name).type->name);
}

Array SafetensorsFile::array(std::string_view name) const {
  const SafetensorsEntry& entry = contents()->find(name);
  if (entry.type->element != real_type)
    return contents()->converted(entry, [](const StoredElements& from) { return from.reals(); });
  Array result(entry.shape);
  contents()->read(entry, std::as_writable_bytes(result.mutable_values()));
  return result;
}

Ids SafetensorsFile::ids(std::string_view name) const {
  const SafetensorsEntry& entry = contents()->find(name);
  if (entry.type->element != id_type)
    return contents()->converted(entry, [](const StoredElements& from) { return from.ids(); });
  Ids result(entry.shape);
  contents()->read(entry, std::as_writable_bytes(result.mutable_values()));
  return result;
}

Mask SafetensorsFile::mask(std::string_view name) const {
  return contents()->converted(contents()->find(name),
                               [](const StoredElements& from) { return from.mask(); });
}

StoredTensor SafetensorsFile::stored(std::string_view name) const {
  const SafetensorsEntry& entry = contents()->find(name);
  StoredTensor result{std::string(entry.type->name), entry.shape, {}};
  result.bytes.resize(static_cast<std::size_t>(entry.end - entry.begin));
  contents()->read(entry, result.bytes);
  return result;
}

}}  // namespace fovea
