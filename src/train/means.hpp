// The losses and metrics of a model's outputs, as sums that do not depend on how the samples fell
// into batches.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The loss of each output as a sum and a count, and the totals of its metrics.
class Means {
 public:
  explicit Means(const std::vector<OutputOptions>& outputs) : outputs_(outputs) {
    losses_.resize(outputs.size());
    for (const OutputOptions& output : outputs) {
      first_.push_back(totals_.size());
      for (const auto* metrics : {&output.metrics, &output.weighted_metrics})
        for (const Metric& metric : *metrics) totals_.push_back(metric.total());
    }
  }

  void add_loss(std::size_t output, double sum, double count) {
    losses_[output] += MeanState{sum, count};
  }
  /// Returns whether an output has metrics of either kind.
  static bool has_metrics(const OutputOptions& output) {
    return !output.metrics.empty() || !output.weighted_metrics.empty();
  }
  /// Adds samples to the metrics of an output; `weighted` has their weights as well.
  void add_metrics(std::size_t output, const Array& prediction, const Samples& target,
                   const CountedPositions& counts, const CountedPositions& weighted) const {
    const std::size_t metrics = outputs_[output].metrics.size(),
                      all = metrics + outputs_[output].weighted_metrics.size();
    for (std::size_t m = 0; m < all; ++m)
      total(output, m).add(prediction, target, m < metrics ? counts : weighted);
  }

  /// Returns whether `values` can be asked for.
  bool are_saved() const {
    const auto saved = [](const Metric& metric) { return metric.is_saved(); };
    return std::ranges::all_of(outputs_, [&](const OutputOptions& output) {
      return std::ranges::all_of(output.metrics, saved) &&
             std::ranges::all_of(output.weighted_metrics, saved);
    });
  }
  /// Returns numbers from which `set_values` makes the same sums: of each output's loss, and of
  /// each metric. Throws StateError for a metric that has none.
  std::vector<std::vector<double>> values() const {
    std::vector<std::vector<double>> values;
    for (const MeanState& loss : losses_) values.push_back(loss.values());
    for (const auto& total : totals_) values.push_back(total->values());
    return values;
  }
  /// Throws ValueError for numbers of other losses and metrics.
  void set_values(const std::vector<std::vector<double>>& values) {
    if (values.size() != losses_.size() + totals_.size())
      throw ValueError(fmt::format(
          "the sums of {} losses and metrics were saved, and the model is compiled with {}",
          values.size(), losses_.size() + totals_.size()));
    std::size_t i = 0;
    for (MeanState& loss : losses_) loss.set_values(values[i++]);
    for (const auto& total : totals_) total->set_values(values[i++]);
  }

  /// Returns the loss and the metrics by name. Where nothing was added, a value is 0, as in Keras.
  /// Of several outputs, "loss" is the weighted sum, and other names begin with the output's name.
  Logs logs() const { return logs(false); }
  /// The same, where a metric's value is computed when it is first read.
  Logs running_logs() const { return logs(true); }

 private:
  Logs logs(bool later) const {
    Logs logs;
    const bool several = outputs_.size() > 1;
    double sum = 0;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const double loss = losses_[o].mean();
      if (outputs_[o].weight != 0) sum += outputs_[o].weight * loss;
      const std::string prefix = several ? outputs_[o].name + "_" : "";
      if (several) logs.set(prefix + "loss", loss);
      std::size_t m = 0;
      for (const auto* metrics : {&outputs_[o].metrics, &outputs_[o].weighted_metrics})
        for (const Metric& metric : *metrics)
          add(logs, prefix + metric.name(), totals_[first_[o] + m++], later);
    }
    logs.set("loss", sum);
    return logs;
  }

  static void add(Logs& logs, const std::string& name, const std::shared_ptr<MetricTotal>& total,
                  bool later) {
    if (later)
      logs.set_later(name, [total] { return total->value(); });
    else
      logs.set(name, total->value());
  }

  // Of an output's metrics, the weighted ones last.
  MetricTotal& total(std::size_t output, std::size_t metric) const {
    return *totals_[first_[output] + metric];
  }

  const std::vector<OutputOptions>& outputs_;
  memory::List<MeanState> losses_;                     // of each output
  memory::List<std::size_t> first_;                    // of each output's totals
  memory::List<std::shared_ptr<MetricTotal>> totals_;  // of all outputs' metrics
};

}}  // namespace fovea
