// Elements as files store them, and their conversion: one place for the types of all formats.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

enum class ElementType {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16,
  float32,
  float64
};

/// The types of an Array's elements and of an Ids' in memory.
constexpr ElementType real_type = sizeof(real) == 4 ? ElementType::float32 : ElementType::float64;
constexpr ElementType id_type = ElementType::int32;

/// The elements of one array, and what messages say of them.
struct StoredElements {
  const std::string& file;     ///< the name in messages
  std::string_view type_text;  ///< as the file names the type
  Index type_begin;            ///< where in the file that stands
  ElementType type;
  const Shape& shape;
  const std::byte* bytes;
  bool big_endian = false;
  bool fortran_order = false;                ///< the first axis runs fastest
  std::string_view mask_types = "b1 or u1";  ///< as the file would name the types of masks

  /// Returns the elements as reals: rounded to nearest where `real` is narrower; true is 1.
  Array reals() const;
  /// The same in double.
  std::vector<double> doubles() const;
  /// Returns integers as ids. Throws FormatError for other types, and ValueError for a value that
  /// does not fit 32 bits.
  Ids ids() const;
  /// Returns bools and bytes as a mask: every value but 0 keeps. Throws FormatError for others.
  Mask mask() const;
};

}}}  // namespace fovea::io
