#include "train/metrics/class_pairs.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "train/metrics/class_targets.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

Index class_label(std::string_view metric, double label, Index position, Index classes) {
  if (!(label >= 0 && label < static_cast<double>(classes)) || label != std::floor(label))
    throw IndexError(fmt::format("{}: the label at position {} is {}; expected 0 to {}", metric,
                                 position, label, classes - 1));
  return static_cast<Index>(label);
}

bool is_yes(std::string_view metric, double target, Index position) {
  if (target != 0 && target != 1)
    throw ValueError(fmt::format("{}: the target at position {} is {}; expected 0 or 1", metric,
                                 position, target));
  return target == 1;
}

namespace {

struct Pair {
  Index label, predicted;
  double weight;
};

struct Given {
  std::string_view metric;
  const ClassOptions& options;
  const Array& prediction;
  const CountedPositions& positions;
};

// Each unit by itself: class `unit`, or none. With `both`, a single unit is class 0 or 1.
template <class Number>
memory::List<Pair> pairs_of_units(const Given& given, const Number* target) {
  const Index units = given.prediction.shape()[-1], count = given.prediction.count();
  const bool both = given.options.both && units == 1;
  const real threshold = given.options.threshold.value_or(real(0.5));
  memory::List<Pair> pairs;
  for (Index i = 0; i < count; ++i) {
    const double weight = given.positions.weight(i, count);
    if (weight == 0) continue;
    const bool yes = is_yes(given.metric, static_cast<double>(target[i]), i);
    const real p = given.prediction.data()[i];
    const Index no = both ? 0 : -1, unit = both ? 1 : i % units;
    pairs.push_back({yes ? unit : no, std::isnan(p) ? -1 : p > threshold ? unit : no, weight});
  }
  return pairs;
}

template <class Number>
memory::List<Pair> pairs_of_rows(const Given& given, const Number* target, bool one_hot) {
  const Index classes = given.prediction.shape()[-1],
              rows = classes == 0 ? 0 : given.prediction.count() / classes;
  memory::List<Pair> pairs;
  for (Index i = 0; i < rows; ++i) {
    const double weight = given.positions.weight(i, rows);
    if (weight == 0) continue;
    const Index label = one_hot
                            ? largest(target + i * classes, classes)
                            : class_label(given.metric, static_cast<double>(target[i]), i, classes);
    if (label < 0)
      throw ValueError(
          fmt::format("{}: the one-hot target at position {} holds a NaN", given.metric, i));
    pairs.push_back({label, largest(given.prediction.data() + i * classes, classes), weight});
  }
  return pairs;
}

}  // namespace

void each_pair(std::string_view metric, const ClassOptions& options, const Array& prediction,
               const Samples& target, const CountedPositions& positions, const TakePair& take) {
  const ClassTargets kind = class_targets(metric, prediction.shape(), target.shape());
  const Given given{metric, options, prediction, positions};
  const bool units =
      kind == ClassTargets::binary || (options.threshold && kind == ClassTargets::one_hot);
  const memory::List<Pair> pairs = with_elements(target, [&](const auto* of_target) {
    return units ? pairs_of_units(given, of_target)
                 : pairs_of_rows(given, of_target, kind == ClassTargets::one_hot);
  });
  for (const Pair& pair : pairs) take(pair.label, pair.predicted, pair.weight);
}

}  // namespace metrics

}}  // namespace fovea
