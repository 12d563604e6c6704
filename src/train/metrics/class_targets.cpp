#include "train/metrics/class_targets.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

[[noreturn]] void throw_shapes(std::string_view metric, const Shape& prediction,
                               const Shape& target, std::string_view must) {
  throw ShapeError(fmt::format("{}: predictions are {}, targets {}; {}", metric,
                               to_string(prediction), to_string(target), must));
}

}  // namespace

bool metrics::is_one_a_row(const Shape& shape, const Shape& whole) {
  return shape == whole.without(-1) || shape == whole.with(-1, 1);
}

metrics::ClassTargets metrics::class_targets(std::string_view metric, const Shape& prediction,
                                             const Shape& target) {
  if (prediction.rank() >= 1) {
    if (prediction[-1] == 1 && is_one_a_row(target, prediction)) return ClassTargets::binary;
    if (target == prediction) return ClassTargets::one_hot;
    if (is_one_a_row(target, prediction)) return ClassTargets::labels;
  }
  throw_shapes(metric, prediction, target,
               "labels must have the predictions' shape without its last axis, the classes, and "
               "one-hot targets the same shape");
}

void metrics::check_labels(std::string_view metric, const Shape& prediction, const Shape& target) {
  if (prediction.rank() < 1 || !is_one_a_row(target, prediction))
    throw_shapes(metric, prediction, target,
                 "labels must have the predictions' shape without its last axis, the classes");
}

void metrics::check_one_hot(std::string_view metric, const Shape& prediction, const Shape& target) {
  if (prediction.rank() < 1 || target != prediction)
    throw_shapes(metric, prediction, target, "one-hot targets must have the predictions' shape");
}

void metrics::check_units(std::string_view metric, const Shape& prediction, const Shape& target) {
  const bool fits =
      prediction.rank() >= 1 &&
      (target == prediction || (prediction[-1] == 1 && target == prediction.without(-1)));
  if (!fits)
    throw_shapes(metric, prediction, target,
                 "targets must have the predictions' shape, or lack a last axis of size 1");
}

void metrics::check_threshold(std::string_view metric, real threshold) {
  if (std::isnan(threshold))
    throw ValueError(fmt::format("{}: threshold is NaN; give a number", metric));
}

}}  // namespace fovea
