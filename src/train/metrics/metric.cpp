#include "fovea/train/metrics/metric.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "train/metrics/saved_values.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

bool CountedPositions::operator()(Index value, Index values) const {
  return weight(value, values) != 0;
}

double CountedPositions::weight(Index value, Index values) const {
  const auto samples = static_cast<Index>(weight_.size());
  const double weight =
      samples > 0 ? weight_[static_cast<std::size_t>(value / (values / samples))] : 1;
  if (!keep_) return weight;
  const Mask& keep = *keep_;
  if (values % keep.count() == 0)
    return keep.data()[value / (values / keep.count())] != 0 ? weight : 0;
  if (keep.count() % values != 0) return weight;
  const Index each = keep.count() / values;
  const bool counts = std::any_of(keep.data() + value * each, keep.data() + (value + 1) * each,
                                  [](std::uint8_t kept) { return kept != 0; });
  return counts ? weight : 0;
}

bool CountedPositions::any() const {
  const auto is_zero = [](double weight) { return weight == 0; };
  return (!keep_ || keep_->kept() > 0) &&
         (weight_.empty() || !std::ranges::all_of(weight_, is_zero));
}

MeanState& MeanState::operator+=(const MeanState& other) {
  sum += other.sum;
  count += other.count;
  return *this;
}

double MeanState::mean() const {
  const double all = count.value();
  return all > 0 ? sum.value() / all : 0;
}

std::vector<double> MeanState::values() const {
  metrics::SavedValues saved;
  saved.add(sum);
  saved.add(count);
  return saved.values();
}

void MeanState::set_values(std::span<const double> values) {
  metrics::ReadValues read("MeanState", values);
  MeanState state;
  read.take(state.sum);
  read.take(state.count);
  read.finish();
  *this = std::move(state);
}

void MetricTotal::add(const Array& prediction, const Samples& target,
                      const CountedPositions& counts) {
  if (target.count() == 0 || !counts.any()) return;
  merge(prediction, target, counts);
  any_ = true;
}

std::vector<double> MetricTotal::values() const {
  std::vector<double> result = state_values();
  result.insert(result.begin(), any_ ? 1 : 0);
  return result;
}

void MetricTotal::set_values(std::span<const double> values) {
  if (values.empty() || (values[0] != 0 && values[0] != 1))
    throw ValueError("MetricTotal: set_values: these are not the values of a total");
  set_state_values(values.subspan(1));
  any_ = values[0] == 1;
}

void metrics::add(MeanState& state, std::string_view name, const Array& values, Index samples,
                  const CountedPositions& counts) {
  if (values.shape().rank() < 1 || values.shape()[0] != samples)
    throw ShapeError(
        fmt::format("{}: it gives values of shape {} for {} samples; it must give one for each "
                    "sample or position",
                    name, to_string(values.shape()), samples));
  for (Index i = 0; i < values.count(); ++i)
    if (const double weight = counts.weight(i, values.count()); weight != 0)
      state.add(static_cast<double>(values.data()[i]), weight);
}

void metrics::throw_no_values(std::string_view name) {
  throw StateError(
      fmt::format("{}: its State cannot be saved within an epoch; give it std::vector<double> "
                  "values() const and void set_values(std::span<const double>)",
                  name));
}

}}  // namespace fovea
