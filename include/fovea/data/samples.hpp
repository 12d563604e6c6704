// What a model learns from: many samples of ids or of numbers, one along each row of the first
// axis.
#pragma once

#include <span>
#include <variant>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Ids or numbers, by sample: a value.
class Samples {
 public:
  /// Throw ShapeError for rank 0: samples lie along the first axis.
  Samples(Ids ids);  // NOLINT: implicit on purpose
  /// Of numbers.
  Samples(Array array);  // NOLINT: implicit on purpose

  Index count() const { return shape()[0]; }  ///< how many samples
  const Shape& shape() const&;                ///< of all samples: (samples, ...)
  Shape shape() const&& { return shape(); }   ///< the same, of a temporary
  bool is_ids() const { return std::holds_alternative<Ids>(value_); }  ///< ids, or else numbers

  /// Throws ValueError if these are numbers.
  const Ids& ids() const&;
  Ids ids() const&& { return ids(); }  ///< the same, of a temporary
  /// Throws ValueError if these are ids.
  const Array& array() const&;
  Array array() const&& { return array(); }  ///< the same, of a temporary

  /// Samples [begin, end). Throws IndexError.
  Samples rows(Index begin, Index end) const;
  /// The samples at `positions`, in that order. Throws IndexError.
  Samples rows(std::span<const Index> positions) const;

 private:
  std::variant<Ids, Array> value_;
};

}}  // namespace fovea
