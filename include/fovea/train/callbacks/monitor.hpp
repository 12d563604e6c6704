// A value of the logs that callbacks watch.
#pragma once

#include <string>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Which values of what is watched are better.
enum class MonitorMode {
  /// By a word of the name, between underscores. Lower is better for loss, error, mse, mae, rmse,
  /// crossentropy, entropy, divergence, perplexity, huber. Higher is better for accuracy, acc,
  /// precision, recall, auc, f1, fmeasure, iou, dice, r2. ValueError for a name that tells neither.
  by_name,
  /// Lower.
  min,
  /// Higher.
  max,
};

/// A value of the logs that is watched, and which of two is better. NaN is worse than any number.
class Monitor {
 public:
  /// `callback` is the name in messages, a literal. Throws ValueError unless min_delta is at least
  /// 0.
  Monitor(const char* callback, std::string name, MonitorMode mode, double min_delta);

  /// Returns the value. Throws ValueError where the logs have none of that name, or it is not known
  /// which values are better.
  double value(const Model& model, const Logs& logs) const;
  /// Returns whether `value` is better than `best` by more than min_delta.
  bool improves(double value, double best) const;
  /// Returns the name of the value.
  const std::string& name() const& { return name_; }

 private:
  const char* callback_;
  std::string name_;
  MonitorMode mode_;  // by_name only where the name does not tell
  double min_delta_;
};

}}  // namespace fovea
