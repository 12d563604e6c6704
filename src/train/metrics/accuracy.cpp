#include "fovea/train/metrics/accuracy.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "train/metrics/class_targets.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using metrics::ClassTargets;

namespace {

// Returns 1 for each row of which `is_right(row, begin of the row)` says so, else 0.
template <class IsRight>
Array ones_where(const Array& prediction, const IsRight& is_right) {
  const Index classes = prediction.shape()[-1];
  Array result(prediction.shape().without(-1));
  for (Index i = 0; i < result.count(); ++i)
    result.mutable_data()[i] = is_right(i, prediction.data() + i * classes) ? real(1) : real(0);
  return result;
}

// Whether a unit says the target: 1 above the threshold, else 0.
template <class Number>
bool says(real prediction, Number target, real threshold) {
  return !std::isnan(prediction) && static_cast<double>(target) == (prediction > threshold ? 1 : 0);
}

template <class Number>
Array right(const Array& prediction, const Number* target, ClassTargets kind, real threshold) {
  const Index classes = prediction.shape()[-1];
  return ones_where(prediction, [&](Index i, const real* row) {
    if (kind == ClassTargets::binary) return says(*row, target[i], threshold);
    const Index best = metrics::largest(row, classes);
    if (best < 0) return false;
    return kind == ClassTargets::labels
               ? static_cast<double>(target[i]) == static_cast<double>(best)
               : metrics::largest(target + i * classes, classes) == best;
  });
}

// Whether class `label` is among the k largest of a row without NaN, the lower class first among
// equals.
bool is_among_largest(const real* row, Index classes, double label, Index k) {
  if (!(label >= 0 && label < static_cast<double>(classes)) || label != std::floor(label))
    return false;
  const auto own = static_cast<Index>(label);
  Index before = 0;
  for (Index i = 0; i < classes; ++i) {
    if (std::isnan(row[i])) return false;
    before += row[i] > row[own] || (row[i] == row[own] && i < own);
  }
  return before < k;
}

void check_k(std::string_view metric, Index k) {
  if (k < 1) throw ValueError(fmt::format("{}: k is {}; it must be at least 1", metric, k));
}

}  // namespace

void Accuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::class_targets(name, prediction, target.shape());
  metrics::check_threshold(name, threshold);
}

Array Accuracy::operator()(const Array& prediction, const Samples& target) const {
  const ClassTargets kind = metrics::class_targets(name, prediction.shape(), target.shape());
  return metrics::with_elements(
      target, [&](const auto* of_target) { return right(prediction, of_target, kind, threshold); });
}

void SparseCategoricalAccuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::check_labels(name, prediction, target.shape());
}

Array SparseCategoricalAccuracy::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  return metrics::with_elements(target, [&](const auto* of_target) {
    return right(prediction, of_target, ClassTargets::labels, 0);
  });
}

void CategoricalAccuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::check_one_hot(name, prediction, target.shape());
}

Array CategoricalAccuracy::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  return metrics::with_elements(target, [&](const auto* of_target) {
    return right(prediction, of_target, ClassTargets::one_hot, 0);
  });
}

void BinaryAccuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::check_units(name, prediction, target.shape());
  metrics::check_threshold(name, threshold);
}

Array BinaryAccuracy::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  const Index units = prediction.shape()[-1];
  Array result(prediction.shape().without(-1));
  metrics::with_elements(target, [&](const auto* of_target) {
    for (Index i = 0; i < result.count(); ++i) {
      Index count = 0;
      for (Index j = i * units; j < (i + 1) * units; ++j)
        count += says(prediction.data()[j], of_target[j], threshold);
      result.mutable_data()[i] = static_cast<real>(count) / static_cast<real>(units);
    }
  });
  return result;
}

void SparseTopKCategoricalAccuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::check_labels(name, prediction, target.shape());
  check_k(name, k);
}

Array SparseTopKCategoricalAccuracy::operator()(const Array& prediction,
                                                const Samples& target) const {
  check(prediction.shape(), target);
  const Index classes = prediction.shape()[-1];
  return metrics::with_elements(target, [&](const auto* of_target) {
    return ones_where(prediction, [&](Index i, const real* row) {
      return is_among_largest(row, classes, static_cast<double>(of_target[i]), k);
    });
  });
}

void TopKCategoricalAccuracy::check(const Shape& prediction, const Samples& target) const {
  metrics::check_one_hot(name, prediction, target.shape());
  check_k(name, k);
}

Array TopKCategoricalAccuracy::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  const Index classes = prediction.shape()[-1];
  return metrics::with_elements(target, [&](const auto* of_target) {
    return ones_where(prediction, [&](Index i, const real* row) {
      const Index label = metrics::largest(of_target + i * classes, classes);
      return is_among_largest(row, classes, static_cast<double>(label), k);
    });
  });
}

}}  // namespace fovea
