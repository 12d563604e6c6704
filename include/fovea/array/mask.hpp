// Which positions to keep. A type of its own, so that nobody has to guess what true means.
#pragma once

#include <initializer_list>
#include <span>

#include "fovea/array/ids.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/shape/shape.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// A dense array of keep (1) or drop (0). Copies share.
class Mask {
 public:
  /// Rank 1, no elements.
  Mask() : shape_{0} {}

  /// Not initialised: `mutable_keep` is to be filled with 0 and 1.
  explicit Mask(const Shape& shape) : shape_(shape), buffer_(shape.count()) {}

  /// Row-major; whatever is not 0 keeps. Throws ShapeError when the number of values is not the shape's.
  Mask(const Shape& shape, std::span<const std::uint8_t> keep);
  /// The same values, written out.
  Mask(const Shape& shape, std::initializer_list<std::uint8_t> keep) : Mask(shape, std::span<const std::uint8_t>(keep.begin(), keep.size())) {}

  /// Keeps the positions whose id is not `dropped`: Keras' mask_zero with 0.
  static Mask keep_where_not(const Ids& ids, Index dropped);

  const Shape& shape() const { return shape_; }  ///< its sizes
  Index count() const { return shape_.count(); }  ///< how many positions
  /// 1 or 0 for each position, row-major.
  std::span<const std::uint8_t> keep() const { return {buffer_.as<std::uint8_t>(), static_cast<std::size_t>(count())}; }
  /// The same, to be written.
  std::span<std::uint8_t> mutable_keep() { return {buffer_.as<std::uint8_t>(), static_cast<std::size_t>(count())}; }

  /// How many positions are kept.
  Index kept() const;

  /// The same positions under another shape of equal count. Throws ShapeError.
  Mask reshaped(const Shape& shape) const;

 private:
  Shape shape_;
  Buffer buffer_;
};

}  // namespace fovea
