// Safetensors: one file of named tensors and of metadata, which are texts by name. The format is
// that of https://github.com/huggingface/safetensors; docs/safetensors.md says what fovea adds.
// Files are not trusted: any content leads to tensors or an exception, and memory stays in
// proportion to the file.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Texts by name, in UTF-8.
using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

/// A tensor of any type of the format, as the file stores it.
struct StoredTensor {
  std::string dtype;             ///< as the file names the type: "BF16"
  Shape shape;                   ///< of the tensor
  std::vector<std::byte> bytes;  ///< row-major, each element with its low byte first
};

/// Options of reading.
struct SafetensorsOptions {
  /// Whether to read the whole file at once when it is opened, and to compare it with its checksum,
  /// if it has one. Without, a tensor costs no more than its own bytes.
  bool verify = true;
};

/// A safetensors file, which stays open. Several threads can read from one at once.
class SafetensorsFile {
 public:
  /// Opens the file and reads its header, which it checks as a whole before anything else. Throws
  /// IoError; ValueError for an empty path; FormatError, with the byte, for a file that violates
  /// the format or fails its checksum. The limits are 100 MB for the header, 100,000 tensors, 4,096
  /// bytes for a name, and 6 axes.
  explicit SafetensorsFile(const std::string& path, const SafetensorsOptions& options = {});
  SafetensorsFile(SafetensorsFile&& other) noexcept;             ///< takes over the open file
  SafetensorsFile& operator=(SafetensorsFile&& other) noexcept;  ///< takes over the open file
  ~SafetensorsFile();

  /// Returns the names of the tensors in the order of the header.
  const std::vector<std::string>& names() const&;
  /// Returns the names of a temporary.
  std::vector<std::string> names() const&& { return names(); }
  /// Returns whether there is a tensor of this name.
  bool contains(std::string_view name) const;

  /// Returns the metadata, without what the checksum has there.
  const SafetensorsMetadata& metadata() const&;
  /// Returns the metadata of a temporary.
  SafetensorsMetadata metadata() const&& { return metadata(); }
  /// Returns the checksum of the file as 32 hexadecimal digits; empty where it has none.
  std::string checksum() const;

  /// Returns the shape of a tensor. Throws IndexError for an unknown name, as all of these do.
  Shape shape(std::string_view name) const;
  /// Returns the type of a tensor as the file names it: "F32".
  std::string dtype(std::string_view name) const;

  /// Reads F64, F32, F16, BF16, integers and BOOL as reals; true is 1. Values are rounded to
  /// nearest where `real` is the narrower type. Throws FormatError for other types, and IoError.
  Array array(std::string_view name) const;
  /// Reads integers of any size. Throws FormatError for other types, ValueError for a value that
  /// does not fit 32 bits, and IoError.
  Ids ids(std::string_view name) const;
  /// Reads BOOL and U8; every value but 0 keeps. Throws FormatError for other types, and IoError.
  Mask mask(std::string_view name) const;
  /// Reads a tensor of any type as it is. Throws IoError.
  StoredTensor stored(std::string_view name) const;

 private:
  struct Contents;
  const Contents* contents() const;
  std::unique_ptr<const Contents> contents_;
};

/// A tensor to write, under its name.
struct SafetensorsTensor {
  std::string name;                                     ///< any text in UTF-8
  std::variant<Array, Ids, Mask, StoredTensor> tensor;  ///< the elements
};

/// Options of writing.
struct SafetensorsWriteOptions {
  bool checksum = true;       ///< whether the file gets a checksum in its metadata
  bool ids_as_int64 = false;  ///< whether ids are I64, as PyTorch wants them, instead of I32
};

/// Writes tensors and metadata: an Array as F32 (F64 where `real` is double), Ids as I32 or I64, a
/// Mask as BOOL. The bytes are those of the Python library: wide types first, equal ones by name.
/// At every moment `path` names the old file or the whole new one, on the terms of write_npy.
///
/// Throws ValueError for names that occur twice, are no UTF-8 or are reserved, for bytes that do
/// not fit their type and shape, and beyond the limits of SafetensorsFile; IoError.
void write_safetensors(const std::string& path, const std::vector<SafetensorsTensor>& tensors,
                       const SafetensorsMetadata& metadata = {},
                       const SafetensorsWriteOptions& options = {});

}}  // namespace fovea
