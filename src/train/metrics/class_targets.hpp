// How predictions and targets of classes fit together.
#pragma once

#include <string_view>

#include "fovea/data/samples.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

/// What targets are: a label for each row of predictions, a row of classes, or one yes-or-no unit.
enum class ClassTargets { labels, one_hot, binary };

/// Returns whether `shape` is `whole` without the last axis, or with a last axis of size 1.
bool is_one_a_row(const Shape& shape, const Shape& whole);

/// Returns what the shapes say. Throws ShapeError, with the name of the metric, for other shapes.
ClassTargets class_targets(std::string_view metric, const Shape& prediction, const Shape& target);

/// Throws ShapeError unless predictions are (batch..., classes), and targets a label for each row.
void check_labels(std::string_view metric, const Shape& prediction, const Shape& target);
/// Throws ShapeError unless predictions and targets are (batch..., classes).
void check_one_hot(std::string_view metric, const Shape& prediction, const Shape& target);
/// Throws ShapeError unless predictions are (batch..., units), and targets the same, or without a
/// last axis of size 1.
void check_units(std::string_view metric, const Shape& prediction, const Shape& target);
/// Throws ValueError for NaN.
void check_threshold(std::string_view metric, real threshold);

/// Returns the position of the largest value of a row, the first of equals; -1 if a value is NaN.
template <class Number>
Index largest(const Number* row, Index count) {
  Index best = 0;
  bool is_nan = false;
  for (Index i = 0; i < count; ++i) {
    if (row[i] > row[best]) best = i;
    is_nan |= row[i] != row[i];
  }
  return is_nan || count == 0 ? -1 : best;
}

/// Calls `with(data)` with the elements of samples: ids or real numbers.
template <class With>
auto with_elements(const Samples& samples, const With& with) {
  return samples.is_ids() ? with(samples.ids().data()) : with(samples.array().data());
}

}  // namespace metrics

}}  // namespace fovea
