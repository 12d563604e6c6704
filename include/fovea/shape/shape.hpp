// The sizes of an array along its axes.
#pragma once

#include <array>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Up to six sizes, outermost first; rank 0 is a scalar. Every Shape is valid: no size is negative,
/// and the elements' bytes can be counted by an Index.
class Shape {
 public:
  static constexpr int max_rank = 6;  ///< the largest number of axes

  /// Constructs the shape of a scalar: rank 0.
  Shape() = default;

  /// Constructs a shape from its sizes. Throws ShapeError for a negative size, for more than six
  /// sizes, and for more elements than memory can have.
  Shape(std::initializer_list<Index> sizes)
      : Shape(std::span<const Index>(sizes.begin(), sizes.size())) {}
  /// Constructs a shape from a list of sizes, on the same terms.
  explicit Shape(std::span<const Index> sizes);

  /// Returns the number of axes.
  int rank() const { return rank_; }

  /// Returns the number of elements: the product of the sizes, 1 at rank 0.
  Index count() const { return count_; }

  /// Returns the size of an axis; negative axes count from the end. Throws IndexError.
  Index operator[](int axis) const { return sizes_[static_cast<std::size_t>(resolve(axis))]; }

  /// Returns the axis counted from the front: 0 to rank - 1. Throws IndexError.
  int resolve(int axis) const;

  /// Returns the sizes, outermost first.
  std::span<const Index> sizes() const& { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  /// Returns the sizes of a temporary.
  std::vector<Index> sizes() const&& { return {sizes_.data(), sizes_.data() + rank_}; }

  /// Returns the shape with the size of one axis replaced. Throws IndexError.
  Shape with(int axis, Index size) const;
  /// Returns the shape without an axis. Throws IndexError.
  Shape without(int axis) const;
  /// Returns the shape with a new axis before `axis`, which can be the rank. Throws IndexError, and
  /// ShapeError beyond six axes.
  Shape inserted(int axis, Index size) const;

  /// Returns whether all sizes are equal.
  bool operator==(const Shape& other) const {
    for (std::size_t axis = 0; axis < max_rank; ++axis)
      if (sizes_[axis] != other.sizes_[axis]) return false;  // past the rank both are 0
    return rank_ == other.rank_;
  }

  /// Returns the shape of one axis without elements: (0,).
  static Shape nothing() { return Shape(1, Index(0)); }

 private:
  Shape(int rank, Index count) : rank_(rank), count_(count) {}

  std::array<Index, max_rank> sizes_ = {};
  int rank_ = 0;
  Index count_ = 1;
};

/// Returns the sizes as Python writes a tuple: "(32, 64)", "(10,)", "()".
std::string to_string(const Shape& shape);
/// Writes to_string(shape).
std::ostream& operator<<(std::ostream& stream, const Shape& shape);

/// Returns the shape if its number of elements is `values`. Throws ShapeError, which names `type`.
const Shape& check_count(const char* type, const Shape& shape, std::size_t values);

}}  // namespace fovea
