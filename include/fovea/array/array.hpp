// Numbers in memory: a Shape and a Buffer, dense and row-major. No mathematics, no graph.
#pragma once

#include <initializer_list>
#include <span>

#include "fovea/memory/buffer.hpp"
#include "fovea/shape/view.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// A dense array of reals. Copies share the numbers; `clone` copies them. Shared numbers are meant to stay as they are: only
/// their maker, the optimiser and loading write in place.
class Array {
 public:
  /// Rank 1, no elements.
  Array() : shape_{0} {}

  /// Not initialised.
  explicit Array(const Shape& shape) : shape_(shape), buffer_(shape.count() * static_cast<Index>(sizeof(real))) {}

  /// Row-major values. Throws ShapeError when their number is not the shape's.
  Array(const Shape& shape, std::span<const real> values);
  /// The same values, written out.
  Array(const Shape& shape, std::initializer_list<real> values) : Array(shape, std::span<const real>(values.begin(), values.size())) {}

  /// Every element equal to `value`.
  static Array full(const Shape& shape, real value);
  static Array zeros(const Shape& shape) { return full(shape, 0); }  ///< every element 0

  const Shape& shape() const { return shape_; }  ///< its sizes
  Index count() const { return shape_.count(); }  ///< how many numbers

  const real* data() const { return buffer_.as<real>(); }  ///< the first number; null when there are none
  real* mutable_data() { return buffer_.as<real>(); }  ///< the same, to be written by the maker of the array
  std::span<const real> values() const { return {data(), static_cast<std::size_t>(count())}; }  ///< all numbers in row-major order
  std::span<real> mutable_values() { return {mutable_data(), static_cast<std::size_t>(count())}; }  ///< the same, to be written

  /// The element at a position in row-major order. Throws IndexError.
  real at(Index position) const;

  /// The same numbers under another shape of equal count. Throws ShapeError.
  Array reshaped(const Shape& shape) const;

  /// Rows [begin, end) of the first axis, copied. Throws IndexError.
  Array rows(Index begin, Index end) const;

  Array clone() const { return Array(shape_, values()); }  ///< a copy of the numbers

  /// Whether no other Array shares the numbers.
  bool unique() const { return buffer_.unique(); }

  View view() const { return {data(), shape_, dense_strides(shape_)}; }  ///< for kernels: to read
  MutableView mutable_view() { return {mutable_data(), shape_, dense_strides(shape_)}; }  ///< for kernels: to write

 private:
  Shape shape_;
  Buffer buffer_;
};

}  // namespace fovea
