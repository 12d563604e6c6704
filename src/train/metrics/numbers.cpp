#include "fovea/train/metrics/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/train/losses.hpp"
#include "train/metrics/class_targets.hpp"
#include "train/metrics/saved_values.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Calls `take(i, prediction, target, weight)` for each element that counts.
template <class Take>
void each_number(const Array& prediction, const Samples& target, const CountedPositions& counts,
                 const Take& take) {
  metrics::with_elements(target, [&](const auto* of_target) {
    for (Index i = 0; i < prediction.count(); ++i)
      if (const double weight = counts.weight(i, prediction.count()); weight != 0)
        take(i, static_cast<double>(prediction.data()[i]), static_cast<double>(of_target[i]),
             weight);
  });
}

// Returns a n - b^2, where a and b are sums: without cancellation.
double times_minus_square(const ExactSum& a, double n, const ExactSum& b) {
  const auto parts = [](ExactSum sum) {
    const double high = sum.value();
    sum += -high;
    return std::pair(high, sum.value());
  };
  const auto [a_high, a_low] = parts(a);
  const auto [b_high, b_low] = parts(b);
  ExactSum result;
  result.add_product(n, a_high);
  result.add_product(n, a_low);
  result.add_product(-b_high, b_high);
  result.add_product(-2 * b_high, b_low);
  result.add_product(-b_low, b_low);
  return result.value();
}

}  // namespace

void RootMeanSquaredError::check(const Shape& prediction, const Samples& target) const {
  metrics::check_units(name, prediction, target.shape());
}

void RootMeanSquaredError::update(State& state, const Array& prediction, const Samples& target,
                                  const CountedPositions& counts) const {
  check(prediction.shape(), target);
  each_number(prediction, target, counts, [&](Index, double p, double t, double weight) {
    state.add((p - t) * (p - t), weight);
  });
}

double RootMeanSquaredError::result(const State& state) const { return std::sqrt(state.mean()); }

void R2State::add(Index output, double target, double prediction, double weight) {
  if (output >= outputs()) of_.resize(static_cast<std::size_t>(output) + 1);
  Sums& sums = of_[static_cast<std::size_t>(output)];
  const double difference = target - prediction, square = target * target;
  sums.weight += weight;
  sums.target.add_product(weight, target);
  sums.squares.add_product(weight, square);
  if (std::isfinite(square)) sums.squares.add_product(weight, std::fma(target, target, -square));
  sums.residual.add_product(weight, difference * difference);
}

R2State& R2State::operator+=(const R2State& other) {
  if (of_.size() < other.of_.size()) of_.resize(other.of_.size());
  for (std::size_t i = 0; i < other.of_.size(); ++i) {
    of_[i].weight += other.of_[i].weight;
    of_[i].target += other.of_[i].target;
    of_[i].squares += other.of_[i].squares;
    of_[i].residual += other.of_[i].residual;
  }
  return *this;
}

double R2State::score(Index output) const {
  if (output < 0 || output >= outputs())
    throw IndexError(
        fmt::format("R2State: there is no output {}; there are {}", output, outputs()));
  const Sums& sums = of_[static_cast<std::size_t>(output)];
  const double residual = sums.residual.value(), weight = sums.weight.value();
  if (!std::isfinite(sums.squares.value()) || !std::isfinite(residual))
    return std::numeric_limits<double>::quiet_NaN();
  const double variance = times_minus_square(sums.squares, weight, sums.target);
  if (variance > 0) return 1 - residual * weight / variance;
  return residual == 0 ? 1 : 0;
}

std::vector<double> R2State::values() const {
  metrics::SavedValues saved;
  saved.add(static_cast<double>(of_.size()));
  for (const Sums& each : of_)
    for (const ExactSum* sum : {&each.weight, &each.target, &each.squares, &each.residual})
      saved.add(*sum);
  return saved.values();
}

void R2State::set_values(std::span<const double> values) {
  metrics::ReadValues read("R2State", values);
  R2State state;
  state.of_.resize(read.take_count(read.left()));
  for (Sums& each : state.of_)
    for (ExactSum* sum : {&each.weight, &each.target, &each.squares, &each.residual})
      read.take(*sum);
  read.finish();
  *this = std::move(state);
}

void R2Score::check(const Shape& prediction, const Samples& target) const {
  metrics::check_units(name, prediction, target.shape());
}

void R2Score::update(State& state, const Array& prediction, const Samples& target,
                     const CountedPositions& counts) const {
  check(prediction.shape(), target);
  const Index outputs = prediction.shape()[-1];
  each_number(prediction, target, counts, [&](Index i, double p, double t, double weight) {
    state.add(i % outputs, t, p, weight);
  });
}

double R2Score::result(const State& state) const {
  double sum = 0;
  for (Index i = 0; i < state.outputs(); ++i) sum += state.score(i);
  return state.outputs() > 0 ? sum / static_cast<double>(state.outputs()) : 0;
}

void CosineSimilarity::check(const Shape& prediction, const Samples& target) const {
  metrics::check_units(name, prediction, target.shape());
}

Array CosineSimilarity::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  const Index width = prediction.shape()[-1];
  Array result(prediction.shape().without(-1));
  metrics::with_elements(target, [&](const auto* of_target) {
    for (Index i = 0; i < result.count(); ++i) {
      const real* const p = prediction.data() + i * width;
      const auto* const t = of_target + i * width;
      // Divided by the largest, squares cannot overflow.
      double largest_p = 0, largest_t = 0, dot = 0, square_p = 0, square_t = 0;
      for (Index j = 0; j < width; ++j) {
        largest_p = std::max(largest_p, std::abs(static_cast<double>(p[j])));
        largest_t = std::max(largest_t, std::abs(static_cast<double>(t[j])));
      }
      for (Index j = 0; j < width; ++j) {
        const double a = largest_p > 0 ? static_cast<double>(p[j]) / largest_p : p[j],
                     b = largest_t > 0 ? static_cast<double>(t[j]) / largest_t
                                       : static_cast<double>(t[j]);
        dot += a * b;
        square_p += a * a;
        square_t += b * b;
      }
      const double norms = std::sqrt(square_p) * std::sqrt(square_t);
      result.mutable_data()[i] = static_cast<real>(norms == 0 ? 0 : dot / norms);
    }
  });
  return result;
}

void Perplexity::check(const Shape& prediction, const Samples& target) const {
  metrics::class_targets(name, prediction, target.shape());
  if (prediction[-1] < 2)
    throw ShapeError(
        fmt::format("{}: predictions are {}; the last axis must be the classes, at "
                    "least 2",
                    name, to_string(prediction)));
}

void Perplexity::update(State& state, const Array& prediction, const Samples& target,
                        const CountedPositions& counts) const {
  check(prediction.shape(), target);
  const NoGrad values_only;
  const bool labels = metrics::class_targets(name, prediction.shape(), target.shape()) ==
                      metrics::ClassTargets::labels;
  const Tensor values =
      labels ? SparseCategoricalCrossentropy{.from_logits = from_logits}(prediction, target)
             : CategoricalCrossentropy{.from_logits = from_logits}(prediction, target);
  metrics::add(state, name, values.value(), target.count(), counts);
}

double Perplexity::result(const State& state) const { return std::exp(state.mean()); }

}}  // namespace fovea
