// The losses and metrics of a model's outputs, as sums: a mean is one divided by the other, however
// the samples fell into batches.
#pragma once

#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Sums of losses and metrics, each with the number of what was added up.
class Means {
 public:
  explicit Means(const std::vector<OutputOptions>& outputs) : outputs_(outputs) {
    for (const OutputOptions& output : outputs) {
      first_.push_back(sums_.size());
      sums_.resize(sums_.size() + 1 + output.metrics.size());
    }
  }

  void add_loss(std::size_t output, double sum, double count) {
    sums_[first_[output]].add(sum, count);
  }
  void add_metric(std::size_t output, std::size_t metric, double sum, double count) {
    sums_[first_[output] + 1 + metric].add(sum, count);
  }

  /// The means of what has been added, by name; 0 where that was nothing, as in Keras. Of several
  /// outputs "loss" is the weighted sum, and names begin with the output's.
  Logs logs() const {
    Logs logs;
    const bool several = outputs_.size() > 1;
    double total = 0;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const double loss = sums_[first_[o]].mean();
      total += outputs_[o].weight * loss;
      const std::string prefix = several ? outputs_[o].name + "_" : "";
      if (several) logs[prefix + "loss"] = loss;
      for (std::size_t m = 0; m < outputs_[o].metrics.size(); ++m)
        logs[prefix + outputs_[o].metrics[m].name()] = sums_[first_[o] + 1 + m].mean();
    }
    logs["loss"] = total;
    return logs;
  }

 private:
  struct Sum {
    double value = 0, count = 0;
    void add(double more, double of) {
      value += more;
      count += of;
    }
    double mean() const { return count > 0 ? value / count : 0; }
  };
  const std::vector<OutputOptions>& outputs_;
  memory::List<std::size_t> first_;  // of each output's sums: its loss, and then its metrics
  memory::List<Sum> sums_;
};

}}  // namespace fovea
