#include "fovea/train/losses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "ops/losses.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Returns whether targets have the shape of predictions without a last axis of size 1.
bool lacks_last_axis(const Shape& prediction, const Shape& target) {
  return prediction.rank() >= 1 && prediction[-1] == 1 && prediction.without(-1) == target;
}

// Returns the targets as real values. Adds the last axis that predictions of one value have, if the
// targets lack it.
Tensor numbers(const Tensor& prediction, const Samples& target) {
  Array values;
  if (target.is_ids()) {
    values = Array(target.shape());
    std::ranges::transform(target.ids().values(), values.mutable_values().begin(),
                           [](std::int32_t id) { return static_cast<real>(id); });
  } else {
    values = target.array();
  }
  return lacks_last_axis(prediction.shape(), values.shape()) ? values.reshaped(prediction.shape())
                                                             : values;
}

// Throws ValueError for the first target that counts and `is_wrong`; `wanted` names valid targets.
template <class IsWrong>
void check_values(const char* name, const Samples& target, const TargetCounts& counts,
                  const char* wanted, const char* hint, IsWrong is_wrong) {
  const auto visit = [&](const auto& elements) {
    for (Index i = 0; i < elements.count(); ++i)
      if (const auto value = static_cast<double>(elements.data()[i]);
          is_wrong(value) && (!counts || counts(i)))
        throw ValueError(fmt::format(
            "{}: the target at position {} of targets of shape {} is {}; it must be {}; {}", name,
            i, to_string(elements.shape()), value, wanted,
            std::isnan(value) ? "give a sample without a target the sample weight 0" : hint));
  };
  if (target.is_ids())
    visit(target.ids());
  else
    visit(target.array());
}

void check_probabilities(const char* name, const Samples& target, const TargetCounts& counts) {
  const char* const hint = "give probabilities, 0 for no and 1 for yes";
  check_values(name, target, counts, "0 to 1", hint,
               [](double value) { return !(value >= 0 && value <= 1); });
}

void check_finite(const char* name, const Samples& target, const TargetCounts& counts) {
  if (target.is_ids()) return;
  const char* const hint = "a loss would be infinite";
  check_values(name, target, counts, "finite", hint,
               [](double value) { return !std::isfinite(value); });
}

void check_same(const char* name, const Shape& prediction, const Shape& target) {
  if (prediction != target && !lacks_last_axis(prediction, target))
    throw ShapeError(fmt::format(
        "{}: predictions are {}, targets {}; they must have the same shape{}", name,
        to_string(prediction), to_string(target),
        prediction.rank() >= 1 && prediction[-1] == 1 ? ", or targets lack the last axis of size 1"
                                                      : ""));
}

}  // namespace

Tensor SparseCategoricalCrossentropy::operator()(const Tensor& prediction,
                                                 const Samples& target) const {
  return from_logits ? sparse_categorical_crossentropy(prediction, target.ids())
                     : sparse_categorical_crossentropy_from_probabilities(prediction, target.ids());
}

Tensor SparseCategoricalCrossentropy::of_logits(const Tensor& logits, const Samples& target) const {
  return sparse_categorical_crossentropy(logits, target.ids());
}

void SparseCategoricalCrossentropy::check(const Shape& prediction, const Samples& target,
                                          const TargetCounts& counts) const {
  if (!target.is_ids())
    throw ValueError(
        fmt::format("{}: expected class labels (Ids), got real-valued targets of shape "
                    "{}; give labels as Ids; CategoricalCrossentropy takes distributions",
                    name, to_string(target.shape())));
  Ids labels = target.ids();
  for (Index i = 0; counts && prediction.rank() > 0 && i < labels.count(); ++i) {
    const Index label = labels.data()[i];
    if ((label >= 0 && label < prediction[-1]) || counts(i)) continue;
    if (!labels.unique()) labels = Ids(labels.shape(), labels.values());
    labels.mutable_data()[i] = 0;
  }
  shape::cross_entropy(name, prediction, labels);
}

Tensor CategoricalCrossentropy::operator()(const Tensor& prediction, const Samples& target) const {
  const auto loss =
      from_logits ? categorical_crossentropy : categorical_crossentropy_from_probabilities;
  return loss(prediction, target.array(), {.label_smoothing = label_smoothing});
}

Tensor CategoricalCrossentropy::of_logits(const Tensor& logits, const Samples& target) const {
  return categorical_crossentropy(logits, target.array(), {.label_smoothing = label_smoothing});
}

void CategoricalCrossentropy::check(const Shape& prediction, const Samples& target,
                                    const TargetCounts& counts) const {
  ops::check_smoothing(name, label_smoothing);
  if (target.is_ids())
    throw ValueError(
        fmt::format("{}: expected target distributions, got class labels (Ids) of shape {}; "
                    "use SparseCategoricalCrossentropy for labels",
                    name, to_string(target.shape())));
  if (prediction != target.shape())
    throw ShapeError(
        fmt::format("{}: predictions are {}, targets {}; they must have the same shape", name,
                    to_string(prediction), to_string(target.shape())));
  check_probabilities(name, target, counts);
}

Tensor BinaryCrossentropy::operator()(const Tensor& prediction, const Samples& target) const {
  const auto loss = from_logits ? binary_crossentropy : binary_crossentropy_from_probabilities;
  return loss(prediction, numbers(prediction, target), {.label_smoothing = label_smoothing});
}

Tensor BinaryCrossentropy::of_logits(const Tensor& logits, const Samples& target) const {
  return binary_crossentropy(logits, numbers(logits, target), {.label_smoothing = label_smoothing});
}

Tensor MeanSquaredError::operator()(const Tensor& prediction, const Samples& target) const {
  return mean_squared_error(prediction, numbers(prediction, target));
}
Tensor MeanAbsoluteError::operator()(const Tensor& prediction, const Samples& target) const {
  return mean_absolute_error(prediction, numbers(prediction, target));
}
Tensor Huber::operator()(const Tensor& prediction, const Samples& target) const {
  return huber(prediction, numbers(prediction, target), delta);
}
Tensor KLDivergence::operator()(const Tensor& prediction, const Samples& target) const {
  return kl_divergence(prediction, numbers(prediction, target));
}

void BinaryCrossentropy::check(const Shape& prediction, const Samples& target,
                               const TargetCounts& counts) const {
  ops::check_smoothing(name, label_smoothing);
  check_same(name, prediction, target.shape());
  check_probabilities(name, target, counts);
}

void MeanSquaredError::check(const Shape& prediction, const Samples& target,
                             const TargetCounts& counts) const {
  check_same(name, prediction, target.shape());
  check_finite(name, target, counts);
}

void MeanAbsoluteError::check(const Shape& prediction, const Samples& target,
                              const TargetCounts& counts) const {
  check_same(name, prediction, target.shape());
  check_finite(name, target, counts);
}

void Huber::check(const Shape& prediction, const Samples& target,
                  const TargetCounts& counts) const {
  if (!(delta > 0))
    throw ValueError(fmt::format("{}: delta is {}; it must be above 0", name, delta));
  check_same(name, prediction, target.shape());
  check_finite(name, target, counts);
}

void KLDivergence::check(const Shape& prediction, const Samples& target,
                         const TargetCounts& counts) const {
  check_same(name, prediction, target.shape());
  check_probabilities(name, target, counts);
}

}}  // namespace fovea
