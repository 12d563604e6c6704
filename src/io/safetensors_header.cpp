// The types of safetensors, and the text of a header that is read or written.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/checksum.hpp"
#include "io/json_text.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

constexpr SafetensorsType types[] = {{"BOOL", 8, ElementType::boolean},
                                     {"F4", 4, {}},
                                     {"F6_E2M3", 6, {}},
                                     {"F6_E3M2", 6, {}},
                                     {"U8", 8, ElementType::uint8},
                                     {"I8", 8, ElementType::int8},
                                     {"F8_E5M2", 8, {}},
                                     {"F8_E4M3", 8, {}},
                                     {"F8_E8M0", 8, {}},
                                     {"F8_E4M3FNUZ", 8, {}},
                                     {"F8_E5M2FNUZ", 8, {}},
                                     {"I16", 16, ElementType::int16},
                                     {"U16", 16, ElementType::uint16},
                                     {"F16", 16, ElementType::float16},
                                     {"BF16", 16, ElementType::bfloat16},
                                     {"I32", 32, ElementType::int32},
                                     {"U32", 32, ElementType::uint32},
                                     {"F32", 32, ElementType::float32},
                                     {"C64", 64, {}},
                                     {"F64", 64, ElementType::float64},
                                     {"I64", 64, ElementType::int64},
                                     {"U64", 64, ElementType::uint64}};

std::string in_quotes(std::string_view text) {
  if (std::optional<std::string> string = exact_json_string(text)) return *std::move(string);
  throw ValueError(
      fmt::format("write_safetensors: expected names and metadata in UTF-8, got "
                  "\"{}\"; convert it before",
                  shown(text)));
}

}  // namespace

const SafetensorsType* find_safetensors_type(std::string_view name) {
  const auto* const found = std::ranges::find(types, name, &SafetensorsType::name);
  return found == std::end(types) ? nullptr : found;
}

std::string safetensors_type_names() {
  std::vector<std::string_view> names;
  for (const SafetensorsType& type : types) names.push_back(type.name);
  return fmt::format("{}", fmt::join(names, " "));
}

std::optional<Index> stored_bytes(const SafetensorsType& type, const Shape& shape) {
  const Index bits = shape.count() * type.bits;  // at most 2^56 elements, see Shape
  return bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

SafetensorsHeaderText write_safetensors_header(const std::vector<SafetensorsEntry>& tensors,
                                               const SafetensorsMetadata& metadata, bool checksum) {
  SafetensorsHeaderText result;
  std::vector<std::string> texts, entries;
  if (checksum) {
    const std::string before =
        fmt::format("\"{}\":\"{}\",\"{}\":\"", checksum_mark, checksum_name, checksum_name);
    result.checksum_begin =
        safetensors_length_bytes +
        static_cast<Index>(fmt::format("{{\"{}\":{{{}", metadata_name, before).size());
    texts.push_back(before + std::string(Checksum::digits, '0') + '"');
  }
  for (const auto& [name, text] : metadata)
    texts.push_back(in_quotes(name) + ":" + in_quotes(text));
  if (!texts.empty())
    entries.push_back(fmt::format("\"{}\":{{{}}}", metadata_name, fmt::join(texts, ",")));
  for (const SafetensorsEntry& entry : tensors)
    entries.push_back(fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                                  in_quotes(entry.name), entry.type->name,
                                  fmt::join(entry.shape.sizes(), ","), entry.begin, entry.end));
  result.text = fmt::format("{{{}}}", fmt::join(entries, ","));
  result.text.append((8 - result.text.size() % 8) % 8, ' ');
  return result;
}

std::string read_safetensors_header(const std::string& path, const InputFile& file) {
  if (file.size() < safetensors_length_bytes)
    throw FormatError(path, file.size(), "the file is too short for a safetensors file");
  std::array<std::byte, safetensors_length_bytes> bytes;
  file.read(0, bytes);
  const auto length = std::bit_cast<std::uint64_t>(bytes);
  if (length > largest_safetensors_header)
    throw FormatError(path, 0,
                      fmt::format("a header of {} bytes; at most {} are read; is this a "
                                  "safetensors file?",
                                  length, largest_safetensors_header));
  if (static_cast<Index>(length) > file.size() - safetensors_length_bytes)
    throw FormatError(path, file.size(),
                      fmt::format("the file ends within the header, which has {} bytes", length));
  std::string text(length, '\0');
  file.read(safetensors_length_bytes, std::as_writable_bytes(std::span(text)));
  return text;
}

}}}  // namespace fovea::io
