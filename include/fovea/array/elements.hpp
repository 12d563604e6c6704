// What arrays of numbers, of ids and of keep-or-drop have in common: a Shape and a Buffer, dense
// and row-major.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "fovea/memory/buffer.hpp"
#include "fovea/shape/view.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Elements of type T under a shape: a value. Copies share the memory until one of them is written
/// to, which then takes memory of its own. `Self` is the type that is made of this one.
template <class T, class Self>
class Elements {
 public:
  Elements() : shape_(Shape::nothing()) {}  ///< rank 1, no elements
  explicit Elements(const Shape& shape)
      : shape_(shape),
        buffer_(shape.count() * static_cast<Index>(sizeof(T))) {}  ///< not initialised
  Elements(const Shape& shape,
           std::span<const T> values);  ///< row-major values; throws ShapeError when their number
                                        ///< is not the shape's
  /// The same values, written out.
  Elements(const Shape& shape, std::initializer_list<T> values)
      : Elements(shape, std::span<const T>(values.begin(), values.size())) {}
  Elements(const Elements&) = default;  ///< a copy, without copying until one of them is written to
  /// Takes over; `other` has no elements any more.
  Elements(Elements&& other) noexcept
      : shape_(std::exchange(other.shape_, Shape::nothing())), buffer_(std::move(other.buffer_)) {}
  /// Copies on the same terms, or takes over.
  Elements& operator=(Elements other) noexcept {
    shape_ = other.shape_;
    buffer_ = std::move(other.buffer_);
    return *this;
  }

  const Shape& shape() const& { return shape_; }  ///< its sizes
  Shape shape() const&& { return shape_; }        ///< the same, of a temporary
  Index count() const { return shape_.count(); }  ///< how many elements

  const T* data() const { return buffer_.template as<T>(); }  ///< the first element
  /// The same, to be written until the next copy is made of this; what others share is copied
  /// first. Throws MemoryError. Several threads may write at once to what `unique()`.
  T* mutable_data() & {
    if (buffer_.shared()) *this = Elements(shape_, values());
    return own_data();
  }
  std::span<const T> values() const& {
    return {data(), static_cast<std::size_t>(count())};
  }  ///< all elements in row-major order
  std::vector<T> values() const&& {
    return {data(), data() + count()};
  }  ///< the same, of a temporary
  std::span<T> mutable_values() & {
    return {mutable_data(), static_cast<std::size_t>(count())};
  }  ///< on the terms of mutable_data

  /// The element at a position in row-major order. Throws IndexError.
  T at(Index position) const;

  /// The same elements under another shape of equal count. Throws ShapeError.
  Self reshaped(const Shape& shape) const;

  /// Rows [begin, end) of the first axis, copied. Throws IndexError.
  Self rows(Index begin, Index end) const;

  /// The rows of the first axis at `positions`, in that order, copied. Throws IndexError.
  Self rows(std::span<const Index> positions) const;

  bool unique() const { return buffer_.unique(); }  ///< whether nobody shares the elements
  bool shared(Index holders) const {
    return buffer_.shared(holders);
  }  ///< whether more than so many do, this included

  /// The elements, written without a copy: all who share them see it. For owners that know who
  /// does.
  T* own_data() { return buffer_.template as<T>(); }

 private:
  friend class Gradient;
  struct Unfilled {};  // asks for a shape without elements, which are still to come: data() is null
  Elements(const Shape& shape, Unfilled) : shape_(shape) {}

  Shape shape_;
  Buffer buffer_;
};

}}  // namespace fovea
