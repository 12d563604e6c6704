// The header of a safetensors file: read, checked as a whole, and written.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/safetensors.hpp"
#include "io/input_file.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

constexpr Index safetensors_length_bytes = 8;              // in front of the header: its length
constexpr Index largest_safetensors_header = 100'000'000;  // the format's limit, in bytes
constexpr std::size_t most_safetensors = 100'000;          // tensors of a file
constexpr std::size_t longest_safetensors_name = 4096;     // bytes

constexpr std::string_view metadata_name = "__metadata__";
/// Members of the metadata: one says that there is a checksum, and of which kind, the other is it.
/// There are two so that damage to the name of either cannot make a file look like one without.
constexpr std::string_view checksum_mark = "fovea.checksum", checksum_name = "xxh3_128";

/// A type of the format. All stand in one list, narrow ones first, in the order by which the
/// reference library sorts.
struct SafetensorsType {
  std::string_view name;
  Index bits;                          ///< of an element
  std::optional<ElementType> element;  ///< for types that are converted
};

/// Returns the type of this name, null where there is none.
const SafetensorsType* find_safetensors_type(std::string_view name);

/// Returns the names of all types, for messages.
std::string safetensors_type_names();

/// Returns the bytes of a tensor, nothing where they are no whole number.
std::optional<Index> stored_bytes(const SafetensorsType& type, const Shape& shape);

/// What the header says of a tensor. Its bytes are [begin, end) behind the header.
struct SafetensorsEntry {
  std::string name;
  const SafetensorsType* type = nullptr;
  Shape shape;
  Index begin = 0, end = 0;
  Index type_begin = 0, offsets_begin = 0;  ///< where in the file these stand
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;                   ///< in the order of the header
  std::map<std::string, std::size_t, std::less<>> places;  ///< in `tensors`, by name
  SafetensorsMetadata metadata;                            ///< without the checksum's members
  std::string checksum;                                    ///< empty where there is none
  Index checksum_begin = 0;                                ///< where in the file its digits stand
};

/// Reads the text of the header, which begins at byte 8. Throws FormatError for a length that
/// cannot be, and IoError.
std::string read_safetensors_header(const std::string& path, const InputFile& file);

/// Reads a header, whose text begins at byte 8 of a file of `size` bytes. Checks that the tensors
/// cover what is behind it, each byte once. Throws FormatError; `file` is the name in messages.
SafetensorsHeader parse_safetensors_header(const std::string& file, Index size,
                                           std::string_view text);

struct SafetensorsHeaderText {
  std::string text;          ///< padded so that what follows it in the file is aligned to 8 bytes
  Index checksum_begin = 0;  ///< where in the file the checksum's digits belong, now zeros
};

/// Throws ValueError for text that is no UTF-8.
SafetensorsHeaderText write_safetensors_header(const std::vector<SafetensorsEntry>& tensors,
                                               const SafetensorsMetadata& metadata, bool checksum);

}}}  // namespace fovea::io
