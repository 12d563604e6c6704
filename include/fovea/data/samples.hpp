// The samples that a model learns from: ids or real numbers, which lie along the first axis.
#pragma once

#include <span>
#include <variant>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Ids or real numbers, one sample after another: a value.
class Samples {
 public:
  /// Takes ids. Throws ShapeError for rank 0: samples lie along the first axis.
  Samples(Ids ids);  // NOLINT: implicit on purpose
  /// Takes real numbers. Throws ShapeError for rank 0.
  Samples(Array array);  // NOLINT: implicit on purpose

  /// Returns the number of samples.
  Index count() const { return shape()[0]; }
  /// Returns the shape of all samples: (samples, ...).
  const Shape& shape() const&;
  /// The same, of a temporary.
  Shape shape() const&& { return shape(); }
  /// Returns whether the samples are ids.
  bool is_ids() const { return std::holds_alternative<Ids>(value_); }

  /// Returns the ids. Throws ValueError where the samples are real numbers.
  const Ids& ids() const&;
  /// The same, of a temporary.
  Ids ids() const&& { return ids(); }
  /// Returns the real numbers. Throws ValueError where the samples are ids.
  const Array& array() const&;
  /// The same, of a temporary.
  Array array() const&& { return array(); }

  /// Returns samples [begin, end). Throws IndexError.
  Samples rows(Index begin, Index end) const;
  /// Returns the samples at `positions`, in that order. Throws IndexError.
  Samples rows(std::span<const Index> positions) const;

 private:
  std::variant<Ids, Array> value_;
};

}}  // namespace fovea
