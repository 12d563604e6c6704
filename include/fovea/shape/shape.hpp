// The sizes of an array along its axes.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Up to six sizes, outermost first; rank 0 is a single number. A value: copied, compared, printed.
/// Any Shape that exists is valid: no size is negative, and the number of elements fits an Index
/// with room for their bytes.
class Shape {
 public:
  static constexpr int max_rank = 6;  ///< axes at most

  Shape() = default;  ///< rank 0

  /// Throws ShapeError for a negative size, more than six of them, or more elements than memory can
  /// have.
  Shape(std::initializer_list<Index> sizes)
      : Shape(std::span<const Index>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const Index> sizes);  ///< as above, from a list

  int rank() const { return rank_; }  ///< number of axes

  /// The number of elements: the product of the sizes, 1 at rank 0.
  Index count() const { return count_; }

  /// The size of an axis; negative axes count from the end. Throws IndexError.
  Index operator[](int axis) const { return sizes_[static_cast<std::size_t>(resolve(axis))]; }

  /// The axis as a number from 0 to rank - 1. Throws IndexError.
  int resolve(int axis) const;

  std::span<const Index> sizes() const& {
    return {sizes_.data(), static_cast<std::size_t>(rank_)};
  }  ///< outermost first
  std::vector<Index> sizes() const&& {
    return {sizes_.data(), sizes_.data() + rank_};
  }  ///< the same, of a temporary

  /// The same shape with one size replaced, an axis taken out, or one put in before `axis` (which
  /// may be the rank).
  Shape with(int axis, Index size) const;
  Shape without(int axis) const;               ///< throws IndexError
  Shape inserted(int axis, Index size) const;  ///< throws ShapeError beyond six axes

  /// Equal sizes.
  bool operator==(const Shape& other) const {
    for (std::size_t axis = 0; axis < max_rank; ++axis)
      if (sizes_[axis] != other.sizes_[axis]) return false;  // past the rank both are 0
    return rank_ == other.rank_;
  }

  /// One axis, no elements: (0,).
  static Shape nothing() { return Shape(1, Index(0)); }

 private:
  Shape(int rank, Index count) : rank_(rank), count_(count) {}

  std::array<Index, max_rank> sizes_ = {};
  int rank_ = 0;
  Index count_ = 1;
};

/// As Python writes a tuple: "(32, 64)", "(10,)", "()".
std::string to_string(const Shape& shape);

/// The shape, if it has as many elements as there are values for a `type`. Throws ShapeError.
const Shape& check_count(const char* type, const Shape& shape, std::size_t values);

}}  // namespace fovea
