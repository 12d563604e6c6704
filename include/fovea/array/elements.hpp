// What arrays of numbers, of ids and of keep-or-drop have in common: a Shape and a Buffer, dense and row-major.
#pragma once

#include <initializer_list>
#include <span>

#include "fovea/memory/buffer.hpp"
#include "fovea/shape/view.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Elements of type T under a shape. Copies share them. `Self` is the type that is made of this one.
template <class T, class Self>
class Elements {
 public:
  Elements() : shape_(Shape::nothing()) {}  ///< rank 1, no elements
  explicit Elements(const Shape& shape) : shape_(shape), buffer_(shape.count() * static_cast<Index>(sizeof(T))) {}  ///< not initialised
  Elements(const Shape& shape, std::span<const T> values);  ///< row-major values; throws ShapeError when their number is not the shape's
  /// The same values, written out.
  Elements(const Shape& shape, std::initializer_list<T> values) : Elements(shape, std::span<const T>(values.begin(), values.size())) {}
  Elements(const Elements&) = default;  ///< shares
  /// Takes over; `other` has no elements any more.
  Elements(Elements&& other) noexcept : shape_(std::exchange(other.shape_, Shape::nothing())), buffer_(std::move(other.buffer_)) {}
  /// Shares, or takes over.
  Elements& operator=(Elements other) noexcept {
    shape_ = other.shape_;
    buffer_ = std::move(other.buffer_);
    return *this;
  }

  const Shape& shape() const { return shape_; }  ///< its sizes
  Index count() const { return shape_.count(); }  ///< how many elements

  const T* data() const { return buffer_.template as<T>(); }  ///< the first element
  T* mutable_data() { return buffer_.template as<T>(); }  ///< the same, to be written by its maker
  std::span<const T> values() const { return {data(), static_cast<std::size_t>(count())}; }  ///< all elements in row-major order
  std::span<T> mutable_values() { return {mutable_data(), static_cast<std::size_t>(count())}; }  ///< the same, to be written

  /// The element at a position in row-major order. Throws IndexError.
  T at(Index position) const;

  /// The same elements under another shape of equal count. Throws ShapeError.
  Self reshaped(const Shape& shape) const;

  /// Rows [begin, end) of the first axis, copied. Throws IndexError.
  Self rows(Index begin, Index end) const;

  /// The rows of the first axis at `positions`, in that order, copied. Throws IndexError.
  Self rows(std::span<const Index> positions) const;

  bool unique() const { return buffer_.unique(); }  ///< whether nobody shares the elements

 private:
  friend class Gradient;
  struct Unfilled {};  // asks for a shape without elements, which are still to come: data() is null
  Elements(const Shape& shape, Unfilled) : shape_(shape) {}

  Shape shape_;
  Buffer buffer_;
};

}  // namespace fovea
