// The common part of Array, Ids and Mask: a Shape and a Buffer, dense and row-major.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "fovea/array/number.hpp"
#include "fovea/array/row.hpp"
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
  /// Copies row-major numbers of another type, on the same terms. Throws ValueError for a number
  /// that T cannot represent (Number::as).
  template <NumberList List>
  requires(!std::convertible_to<const List&, std::span<const T>>)
      Elements(const Shape& shape, const List& values)
      : Elements(shape, numbers_of(values)) {}
  /// Copies a list of numbers: (size,). Throws ValueError for one that T cannot represent.
  template <NumberList List>
  explicit Elements(const List& values)
      : Elements(Shape{static_cast<Index>(values.size())}, values) {}
  /// Copies rows of numbers: (rows, size). Throws ShapeError unless they have one length.
  template <NumberList List>
  explicit Elements(const std::vector<List>& rows) : Elements(stacked(rows)) {}
  /// Copies numbers from braces, one pair for each axis: {{1, 2}, {3, 4}} is (2, 2). Throws
  /// ShapeError for lists of unequal length, ValueError for a number that T cannot represent.
  Elements(std::initializer_list<NestedNumbers> values)  // NOLINT: implicit on purpose
      : Elements(nested(values)) {}
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
  /// Returns the only element. Throws ShapeError unless there is one.
  T item() const;

  /// Returns the element at a position of each axis: x(i, j). Throws IndexError where there is
  /// none; unlike in NumPy, positions do not count from the end.
  template <std::integral... Positions>
  T operator()(Positions... positions) const& {
    return data()[place(positions...)];
  }
  /// Returns the element for writing, on the terms of mutable_data.
  template <std::integral... Positions>
  T& operator()(Positions... positions) & {
    return mutable_data()[place(positions...)];
  }

  /// Returns a row of the first axis where it stands (row.hpp): x[i], or an element where the rank
  /// is 1. Throws IndexError.
  template <std::integral Position>
  Row<const T, Self> operator[](Position position) const& {
    return Row<const T, Self>(data(), shape_)[position];
  }
  /// Returns the row for writing, on the terms of mutable_data.
  template <std::integral Position>
  Row<T, Self> operator[](Position position) & {
    return Row<T, Self>(mutable_data(), shape_)[position];
  }
  /// Returns a copy of the row of a temporary.
  template <std::integral Position>
  Self operator[](Position position) const&& {
    return (*this)[position];
  }
  /// Returns the first row: `for (const auto row : x)` has each x[i]. Throws IndexError at rank 0.
  auto begin() const& { return Row<const T, Self>(data(), shape_).begin(); }
  /// Returns the end of the rows.
  auto end() const& { return Row<const T, Self>(data(), shape_).end(); }
  /// Returns the first row for writing, on the terms of mutable_data.
  auto begin() & { return Row<T, Self>(mutable_data(), shape_).begin(); }
  /// Returns the end of the rows for writing.
  auto end() & { return Row<T, Self>(mutable_data(), shape_).end(); }

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

  static Elements nested(const NestedNumbers& values);
  Elements(const Shape& shape, const std::vector<Number>& numbers);
  template <class List>
  static std::vector<Number> numbers_of(const List& values) {
    return {values.begin(), values.end()};
  }
  template <class List>
  static Elements stacked(const std::vector<List>& rows) {
    const std::size_t width = rows.empty() ? 0 : rows[0].size();
    std::vector<Number> numbers;
    for (const List& row : rows) {
      check_row_shape(Self::type_name, Shape{static_cast<Index>(width)},
                      Shape{static_cast<Index>(row.size())});
      numbers.insert(numbers.end(), row.begin(), row.end());
    }
    return Elements(Shape{static_cast<Index>(rows.size()), static_cast<Index>(width)}, numbers);
  }
  template <class... Positions>
  Index place(Positions... positions) const {
    const std::array<Index, sizeof...(Positions)> list = {static_cast<Index>(positions)...};
    return place_of(Self::type_name, shape_, list);
  }

  Shape shape_;
  Buffer buffer_;
};

}}  // namespace fovea
