// Arrays of reals: elements in memory, without mathematics and without a graph.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of reals: a value. Writing to one copy never changes the other, and neither does
/// training. Copies share memory until one is written to; `clone` copies at once.
class Array : public Elements<real, Array> {
 public:
  using Elements::Elements;
  static constexpr const char* type_name = "Array";  ///< in messages

  /// Returns an array whose elements all equal `value`.
  static Array full(const Shape& shape, real value);
  /// Returns an array of zeros.
  static Array zeros(const Shape& shape) { return full(shape, 0); }

  /// Returns a copy with memory of its own.
  Array clone() const { return Array(shape(), values()); }

  /// Returns the elements for a kernel to read.
  View view() const { return {data(), shape(), dense_strides(shape())}; }
  /// Returns the elements for a kernel to write, on the terms of mutable_data.
  MutableView mutable_view() & { return {mutable_data(), shape(), dense_strides(shape())}; }
};

}}  // namespace fovea
