// Which positions to keep. A type of its own, so that the meaning of true is never in doubt.
#pragma once

#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of keep (1) or drop (0): a value. Whatever it is made of, every number but 0
/// keeps. Copies share memory until one is written to.
class Mask : public Elements<std::uint8_t, Mask> {
 public:
  using Elements::Elements;
  static constexpr const char* type_name = "Mask";  ///< in messages

  /// Returns a mask that keeps the positions whose id is not `dropped`: with 0, Keras' mask_zero.
  static Mask keep_where_not(const Ids& ids, Index dropped);

  /// Returns 1 or 0 for each position, row-major.
  std::span<const std::uint8_t> keep() const& { return values(); }
  /// Returns the values of a temporary.
  std::vector<std::uint8_t> keep() const&& { return std::move(*this).values(); }
  /// Returns the values for writing; they must be 0 or 1.
  std::span<std::uint8_t> mutable_keep() & { return mutable_values(); }

  /// Returns the number of positions that are kept.
  Index kept() const;
};

}}  // namespace fovea
