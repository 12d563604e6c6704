// A row of an array, where it stands.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

#include "fovea/shape/shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the place, in row-major order, of the element at a position of each axis. Throws
/// IndexError, which names `type`, axis and position, unless there is an element.
Index place_of(const char* type, const Shape& shape, std::span<const Index> positions);

/// Returns the place of the first element of a row of the first axis, on the same terms.
Index place_of_row(const char* type, const Shape& shape, Index position);

/// Throws ShapeError, which names `type`, unless the shapes are equal.
void check_row_shape(const char* type, const Shape& expected, const Shape& given);

/// The elements of one row: what x[i] and iteration over x give. It looks into the array, so it
/// must be used before the array is copied, assigned or destroyed. `Element` is const for a row to
/// read. A row of rank 0 is an element, and converts to it; any row converts to an array.
template <class Element, class Self>
class Row {
 public:
  using Value = std::remove_const_t<Element>;  ///< the type of an element

  /// Looks at the elements behind `data`.
  Row(Element* data, const Shape& shape) : data_(data), shape_(shape) {}
  /// Looks at the same elements.
  Row(const Row&) = default;

  /// Returns the shape of the row.
  const Shape& shape() const& { return shape_; }
  /// Returns the shape of a temporary.
  Shape shape() const&& { return shape_; }
  /// Returns all elements in row-major order.
  std::span<Element> values() const { return {data_, static_cast<std::size_t>(shape_.count())}; }

  /// Returns the element at a position of each axis. Throws IndexError.
  template <std::integral... Positions>
  Element& operator()(Positions... positions) const {
    const std::array<Index, sizeof...(Positions)> list = {static_cast<Index>(positions)...};
    return data_[place_of(Self::type_name, shape_, list)];
  }
  /// Returns a row of this row, or an element where the rank is 1. Throws IndexError.
  template <std::integral Position>
  Row operator[](Position position) const {
    return {data_ + place_of_row(Self::type_name, shape_, static_cast<Index>(position)),
            shape_.without(0)};
  }

  /// Returns the element, of a row of rank 0. Throws IndexError for another.
  operator Value() const { return (*this)(); }  // NOLINT: implicit on purpose
  /// Returns a copy of the row.
  operator Self() const { return Self(shape_, values()); }  // NOLINT: implicit on purpose

  /// Writes one value to all elements.
  const Row& operator=(Value value) const requires(!std::is_const_v<Element>) {
    for (Element& element : values()) element = value;
    return *this;
  }
  /// Copies the elements of another row. Throws ShapeError unless the shapes are equal.
  template <class Other>
  const Row& operator=(const Row<Other, Self>& other) const requires(!std::is_const_v<Element>) {
    copy(other.shape(), other.values());
    return *this;
  }
  /// The same, of a row of the same kind.
  const Row& operator=(const Row& other) const requires(!std::is_const_v<Element>) {
    if (this != &other) copy(other.shape(), other.values());
    return *this;
  }
  /// Copies the elements of an array, on the same terms.
  const Row& operator=(const Self& other) const requires(!std::is_const_v<Element>) {
    copy(other.shape(), other.values());
    return *this;
  }

  /// A position in an iteration over rows, as `for` needs it.
  class Iterator {
   public:
    /// Stands at the row behind `data`.
    Iterator(Element* data, const Shape& row, Index left) : row_(data, row), left_(left) {}
    /// Returns the row.
    Row operator*() const { return row_; }
    /// Goes to the next row.
    Iterator& operator++() {
      row_.data_ += row_.shape_.count();
      --left_;
      return *this;
    }
    /// Returns whether as many rows are left.
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    Row row_;
    Index left_;
  };
  /// Returns the first row of this row.
  Iterator begin() const { return {data_, shape_.without(0), shape_[0]}; }
  /// Returns the end of the rows.
  Iterator end() const { return {data_, shape_.without(0), 0}; }

 private:
  void copy(const Shape& shape, std::span<const Value> from) const {
    check_row_shape(Self::type_name, shape_, shape);
    std::size_t i = 0;
    for (Element& element : values()) element = from[i++];
  }

  Element* data_;
  Shape shape_;
};

}}  // namespace fovea
