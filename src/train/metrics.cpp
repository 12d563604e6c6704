#include "fovea/train/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

bool CountedPositions::operator()(Index value, Index values) const {
  if (!keep_) return true;
  const Mask& keep = *keep_;
  if (values % keep.count() == 0) return keep.data()[value / (values / keep.count())] != 0;
  if (keep.count() % values != 0) return true;
  const Index each = keep.count() / values;
  return std::any_of(keep.data() + value * each, keep.data() + (value + 1) * each,
                     [](std::uint8_t kept) { return kept != 0; });
}

MeanState& MeanState::operator+=(const MeanState& other) {
  sum += other.sum;
  count += other.count;
  return *this;
}

void MeanState::set_values(std::span<const double> values) {
  if (values.size() != 2)
    throw ValueError(
        fmt::format("MeanState: expected a sum and a count, got {} numbers", values.size()));
  sum = values[0];
  count = values[1];
}

// The state's numbers, and in front of them whether anything was added.
std::vector<double> MetricTotal::values() const {
  std::vector<double> values = state_values();
  values.insert(values.begin(), any_ ? 1 : 0);
  return values;
}

void MetricTotal::set_values(std::span<const double> values) {
  if (values.empty()) throw ValueError("MetricTotal: expected numbers, got none");
  set_state_values(values.subspan(1));
  any_ = values[0] != 0;
}

void MetricTotal::add(const Array& prediction, const Samples& target,
                      const CountedPositions& counts) {
  if (target.count() == 0 || !counts.any()) return;
  merge(prediction, target, counts);
  any_ = true;
}

void metrics::add(MeanState& state, const char* name, const Array& values, Index samples,
                  const CountedPositions& counts) {
  if (values.shape().rank() < 1 || values.shape()[0] != samples)
    throw ShapeError(
        fmt::format("{}: it gives values of shape {} for {} samples; it must give one for each "
                    "sample or position",
                    name, to_string(values.shape()), samples));
  for (Index i = 0; i < values.count(); ++i) {
    if (!counts(i, values.count())) continue;
    state.sum += static_cast<double>(values.data()[i]);
    ++state.count;
  }
}

namespace {

enum class Kind { labels, one_hot, binary };

// Returns whether `shape` is `whole` without the last axis, or with a last axis of size 1.
bool is_one_a_row(const Shape& shape, const Shape& whole) {
  return shape == whole.without(-1) || shape == whole.with(-1, 1);
}

Kind kind_of(const Shape& prediction, const Shape& target) {
  if (prediction.rank() >= 1) {
    if (prediction[-1] == 1 && is_one_a_row(target, prediction)) return Kind::binary;
    if (target == prediction) return Kind::one_hot;
    if (is_one_a_row(target, prediction)) return Kind::labels;
  }
  throw ShapeError(
      fmt::format("accuracy: predictions are {}, targets {}; labels must have the predictions' "
                  "shape without its last axis, the "
                  "classes, and one-hot targets the same shape",
                  to_string(prediction), to_string(target)));
}

// Returns the position of the largest value of a row, the first of equals; -1 if a value is NaN.
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

template <class Number>
Array right(const Array& prediction, const Number* target, Kind kind, real threshold) {
  const Index classes = prediction.shape()[-1];
  Array result(prediction.shape().without(-1));
  for (Index i = 0; i < result.count(); ++i) {
    const real* const row = prediction.data() + i * classes;
    bool is_right = false;
    if (kind == Kind::binary) {
      is_right = !std::isnan(*row) && static_cast<double>(target[i]) == (*row > threshold ? 1 : 0);
    } else {
      const Index best = largest(row, classes);
      is_right = best >= 0 &&
                 (kind == Kind::labels ? static_cast<double>(target[i]) == static_cast<double>(best)
                                       : largest(target + i * classes, classes) == best);
    }
    result.mutable_data()[i] = is_right ? real(1) : real(0);
  }
  return result;
}

}  // namespace

void Accuracy::check(const Shape& prediction, const Samples& target) const {
  kind_of(prediction, target.shape());
}

Array Accuracy::operator()(const Array& prediction, const Samples& target) const {
  const Kind kind = kind_of(prediction.shape(), target.shape());
  return target.is_ids() ? right(prediction, target.ids().data(), kind, threshold)
                         : right(prediction, target.array().data(), kind, threshold);
}

}}  // namespace fovea
