// The common part of Array, Ids and Mask: a Shape and a Buffer, dense and row-major.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "fovea/memory/buffer.hpp"
#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Elements of type T under a shape: a value. Copies share memory until one of them is written to,
/// which then gets memory of its own. `Self` is the derived type.
template <class T, class Self>
class Elements {
 public:
  /// Constructs an array of shape (0,).
  Elements() : shape_(Shape::nothing()) {}
  /// Allocates the elements without initialising them. Throws MemoryError.
  explicit Elements(const Shape& shape)
      : shape_(shape), buffer_(shape.count() * static_cast<Index>(sizeof(T))) {}
  /// Copies row-major values. Throws ShapeError unless there are as many as the shape has elements.
  Elements(const Shape& shape, std::span<const T> values);
  /// Copies row-major values, on the same terms.
  Elements(const Shape& shape, std::initializer_list<T> values)
      : Elements(shape, std::span<const T>(values.begin(), values.size())) {}
  /// Shares the memory until one of the two is written to.
  Elements(const Elements&) = default;
  /// Takes over the elements; `other` becomes an array of shape (0,).
  Elements(Elements&& other) noexcept
      : shape_(std::exchange(other.shape_, Shape::nothing())), buffer_(std::move(other.buffer_)) {}
  /// Shares the memory of a copy, or takes over that of a temporary.
  Elements& operator=(Elements other) noexcept {
    shape_ = other.shape_;
    buffer_ = std::move(other.buffer_);
    return *this;
  }

  /// Returns the shape.
  const Shape& shape() const& { return shape_; }
  /// Returns the shape of a temporary.
  Shape shape() const&& { return shape_; }
  /// Returns the number of elements.
  Index count() const { return shape_.count(); }

  /// Returns the first element, of dense, row-major memory.
  const T* data() const { return buffer_.template as<T>(); }
  /// Returns the first element for writing, which must end before the next copy is made. Shared
  /// memory is copied first. Throws MemoryError. Several threads can write at once to elements that
  /// are `unique()`.
  T* mutable_data() & {
    if (buffer_.shared()) *this = Elements(shape_, values());
    return own_data();
  }
  /// Returns all elements in row-major order.
  std::span<const T> values() const& { return {data(), static_cast<std::size_t>(count())}; }
  /// Returns all elements of a temporary.
  std::vector<T> values() const&& { return {data(), data() + count()}; }
  /// Returns all elements for writing, on the terms of mutable_data.
  std::span<T> mutable_values() & { return {mutable_data(), static_cast<std::size_t>(count())}; }

  /// Returns the element at a position in row-major order. Throws IndexError.
  T at(Index position) const;

  /// Returns the same elements under another shape of equal count. Throws ShapeError.
  Self reshaped(const Shape& shape) const;

  /// Returns a copy of the rows [begin, end) of the first axis. Throws IndexError.
  Self rows(Index begin, Index end) const;

  /// Returns a copy of the rows of the first axis at `positions`, in that order. Throws IndexError.
  Self rows(std::span<const Index> positions) const;

  /// Returns whether the elements are shared with no other array.
  bool unique() const { return buffer_.unique(); }
  /// Returns whether more than `holders` arrays share the elements, this one included.
  bool shared(Index holders) const { return buffer_.shared(holders); }

  /// Returns the elements for writing without a copy: every array that shares them changes. For
  /// owners that know all of these arrays.
  T* own_data() { return buffer_.template as<T>(); }

 private:
  friend class Gradient;
  struct Unfilled {};  // constructs a shape whose elements are still to come: data() is null
  Elements(const Shape& shape, Unfilled) : shape_(shape) {}

  Shape shape_;
  Buffer buffer_;
};

}}  // namespace fovea
