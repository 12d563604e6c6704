// The header of a .npy file.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "fovea/shape/shape.hpp"
#include "io/stored_elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Fills the span with a file's next bytes, or throws.
using ByteReader = std::function<void(std::span<std::byte>)>;

/// What stands in front of the numbers.
struct NumpyHeader {
  io::ElementType type = io::ElementType::float64;  ///< of an element
  Index item_size = 8;                              ///< bytes of an element
  bool big_endian = false;                          ///< the order of its bytes
  bool fortran_order = false;                       ///< first axis fastest
  Shape shape;                                      ///< of the array
  std::string type_text;                            ///< as the file writes it: "<f8"
  Index type_begin = 0;                             ///< where in the file that stands
  Index data_begin = 0;                             ///< where in the file the numbers begin

  /// Reads no further than to the first number, and checks that a file of `size` bytes holds the
  /// numbers and nothing else. `file` is the name for messages. Throws FormatError.
  static NumpyHeader read(const std::string& file, Index size, const ByteReader& read);
};

}}  // namespace fovea
