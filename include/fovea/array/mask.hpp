// Which positions to keep. A type of its own, so that nobody has to guess what true means.
#pragma once

#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of keep (1) or drop (0): a value, whose copies share memory until one is written
/// to.
class Mask : public Elements<std::uint8_t, Mask> {
 public:
  using Elements::Elements;

  /// Row-major; whatever is not 0 keeps. Throws ShapeError when the number of values is not the
  /// shape's.
  Mask(const Shape& shape, std::span<const std::uint8_t> keep);
  /// The same values, written out.
  Mask(const Shape& shape, std::initializer_list<std::uint8_t> keep)
      : Mask(shape, std::span<const std::uint8_t>(keep.begin(), keep.size())) {}

  /// Keeps the positions whose id is not `dropped`: Keras' mask_zero with 0.
  static Mask keep_where_not(const Ids& ids, Index dropped);

  std::span<const std::uint8_t> keep() const& {
    return values();
  }  ///< 1 or 0 for each position, row-major
  std::vector<std::uint8_t> keep() const&& {
    return std::move(*this).values();
  }  ///< the same, of a temporary
  std::span<std::uint8_t> mutable_keep() & {
    return mutable_values();
  }  ///< the same, to be filled with 0 and 1

  /// How many positions are kept.
  Index kept() const;
};

}}  // namespace fovea
