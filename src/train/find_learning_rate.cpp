#include "fovea/train/find_learning_rate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/order.hpp"
#include "fovea/base/error.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check(const FindLearningRateOptions& options, Index samples) {
  const auto check = [](const char* name, auto value, bool fits, const char* rule) {
    if (!fits)
      throw ValueError(
          fmt::format("find_learning_rate: {} is {}; it must be {}", name, value, rule));
  };
  check("low", options.low, options.low > 0 && std::isfinite(options.low), "above 0 and finite");
  check("high", options.high, options.high > options.low && std::isfinite(options.high),
        "above low and finite");
  check("steps", options.steps, options.steps >= 10, "at least 10");
  check("batch_size", options.batch_size, options.batch_size >= 1, "at least 1");
  check("smoothing", options.smoothing, options.smoothing >= 0 && options.smoothing < 1,
        "at least 0 and below 1");
  check("divergence", options.divergence,
        options.divergence > 1 && std::isfinite(options.divergence), "above 1 and finite");
  if (samples == 0) throw ValueError("find_learning_rate: there are no samples");
  if (!options.sample_weight.empty() && std::ssize(options.sample_weight) != samples)
    throw ShapeError(fmt::format(
        "find_learning_rate: {} sample weights for {} samples; give one for each sample, or none",
        options.sample_weight.size(), samples));
}

// The batches of a sweep, in the order of a seed, and again in others.
class Batches {
 public:
  Batches(Index samples, Index size, std::uint64_t seed)
      : samples_(samples), size_(std::min(size, samples)), seed_(seed) {}

  std::span<const Index> next() {
    if (at_ + size_ > std::ssize(order_)) {
      order_ = shuffled(samples_, seed_, epoch_++);
      at_ = 0;
    }
    at_ += size_;
    return std::span(order_).subspan(static_cast<std::size_t>(at_ - size_),
                                     static_cast<std::size_t>(size_));
  }

 private:
  Index samples_, size_, at_ = 0;
  std::uint64_t seed_, epoch_ = 0;
  std::vector<Index> order_;
};

// The rate at which the smoothed loss falls most steeply; rates are evenly spaced in the logarithm.
std::optional<double> steepest(const RateSweep& sweep) {
  const std::vector<double>& y = sweep.smoothed;
  const auto lowest = std::ranges::min_element(y) - y.begin();
  double best = 0;
  std::optional<double> rate;
  for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(1, std::ssize(y) / 10); i < lowest; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double slope = y[at + 1] - y[at - 1];
    if (slope >= best) continue;
    best = slope;
    rate = sweep.rates[at];
  }
  return rate;
}

}  // namespace

Trainer::Counters Trainer::counters() const {
  return {history, drawn_, steps_, epochs_, all_listed_, attached_};
}

void Trainer::set_counters(Counters counters) {
  history = std::move(counters.history);
  drawn_ = counters.drawn;
  steps_ = counters.steps;
  epochs_ = counters.epochs;
  all_listed_ = counters.all_listed;
  attached_ = counters.attached;
}

RateSweep Trainer::find_rate(Model& model, const SampleSet& x, const SampleSet& y,
                             const FindLearningRateOptions& options) {
  check(options, x.count());
  check_ready("find_learning_rate");
  refuse_while_fit(fmt::format("{}: find_learning_rate", name()));
  if (steps_ == 0 && optimizer().attachments() > 0)
    throw StateError(
        fmt::format("{}: find_learning_rate: its optimizer is attached to another model; call "
                    "compile with one of its own",
                    name()));
  ordered({name(), "find_learning_rate"}, x, y, options.sample_weight);  // throws if they differ
  model.build(x);
  KeptWeights weights("find_learning_rate");
  weights.keep(model);
  const Counters counters = this->counters();
  const Optimizer::Snapshot snapshot = optimizer().snapshot();
  const auto put_back = [&] {
    optimizer().restore(snapshot);
    if (!weights.empty()) weights.restore(model);
    set_counters(counters);
  };
  try {
    RateSweep result = sweep(x, y, options);
    put_back();
    return result;
  } catch (...) {
    put_back();
    throw;
  }
}

RateSweep Trainer::sweep(const SampleSet& x, const SampleSet& y,
                         const FindLearningRateOptions& options) {
  Batches batches(x.count(), options.batch_size, options.seed);
  const double factor =
      std::log(options.high / options.low) / static_cast<double>(options.steps - 1);
  RateSweep result;
  double mean = 0, share = 0, lowest = 0;
  for (Index step = 0; step < options.steps && !result.diverged; ++step) {
    const double rate = step + 1 == options.steps
                            ? options.high
                            : options.low * std::exp(factor * static_cast<double>(step));
    optimizer().set_learning_rate(rate);
    const std::span<const Index> positions = batches.next();
    std::vector<double> weight;
    if (!options.sample_weight.empty())
      for (const Index position : positions)
        weight.push_back(options.sample_weight[static_cast<std::size_t>(position)]);
    const double loss = train_on_batch(x.rows(positions), y.rows(positions), weight).at("loss");
    mean = options.smoothing * mean + (1 - options.smoothing) * loss;
    share = options.smoothing * share + (1 - options.smoothing);
    const double smoothed = mean / share;
    result.diverged =
        !std::isfinite(loss) || (step > 0 && smoothed > options.divergence * lowest && lowest > 0);
    if (!std::isfinite(loss)) break;
    lowest = step == 0 ? smoothed : std::min(lowest, smoothed);
    result.rates.push_back(rate);
    result.losses.push_back(loss);
    result.smoothed.push_back(smoothed);
  }
  if (!result.rates.empty()) result.suggestion = steepest(result);
  return result;
}

RateSweep find_learning_rate(Model& model, const SampleSet& x, const SampleSet& y,
                             const FindLearningRateOptions& options) {
  return model.trainer().find_rate(model, x, y, options);
}

}}  // namespace fovea
