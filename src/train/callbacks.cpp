#include "fovea/train/callbacks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

double monitored(const Model& model, const char* callback, const std::string& name,
                 const Logs& logs) {
  const auto found = logs.find(name);
  if (found != logs.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& entry : logs) names.push_back(entry.first);
  throw ValueError(fmt::format("{}: fit: {}: there is no \"{}\" to watch; there are: {}{}",
                               model.name(), callback, name, fmt::join(names, ", "),
                               name.starts_with("val_") ? "; give fit validation_data" : ""));
}

// Returns which values are better, where a word of the name tells: "val_mean_squared_error" is an
// error.
MonitorMode mode_of(std::string_view name) {
  constexpr std::array<std::string_view, 10> low = {"loss",    "error",      "mse",
                                                    "mae",     "rmse",       "crossentropy",
                                                    "entropy", "divergence", "perplexity",
                                                    "huber"},
                                             high = {"accuracy", "acc", "precision", "recall",
                                                     "auc",      "f1",  "fmeasure",  "iou",
                                                     "dice",     "r2"};
  bool is_low = false, is_high = false;
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find('_'));
    is_low = is_low || std::ranges::find(low, word) != low.end();
    is_high = is_high || std::ranges::find(high, word) != high.end();
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return is_low == is_high ? MonitorMode::by_name : is_low ? MonitorMode::min : MonitorMode::max;
}

}  // namespace

double& Logs::operator[](std::string_view name) & {
  const auto found = find(name);
  return found != end() ? found->second : emplace(name, 0).first->second;
}

double Logs::operator[](std::string_view name) const& {
  if (const auto found = find(name); found != end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& entry : *this) names.push_back(entry.first);
  throw IndexError(
      fmt::format("Logs: there is no \"{}\"; there are: {}", name, fmt::join(names, ", ")));
}

Monitor::Monitor(const char* callback, std::string name, MonitorMode mode, double min_delta)
    : callback_(callback),
      name_(std::move(name)),
      mode_(mode == MonitorMode::by_name ? mode_of(name_) : mode),
      min_delta_(min_delta) {
  if (!(min_delta >= 0 && std::isfinite(min_delta)))
    throw ValueError(
        fmt::format("{}: min_delta is {}; it must be at least 0 and finite", callback, min_delta));
}

double Monitor::value(const Model& model, const Logs& logs) const {
  const double value = monitored(model, callback_, name_, logs);
  if (mode_ == MonitorMode::by_name)
    throw ValueError(
        fmt::format("{}: fit: {}: the name \"{}\" does not tell whether lower or higher values are "
                    "better; give .mode = MonitorMode::min or "
                    "MonitorMode::max",
                    model.name(), callback_, name_));
  return value;
}

bool Monitor::improves(double value, double best) const {
  if (std::isnan(value) || std::isnan(best)) return !std::isnan(value);
  return mode_ == MonitorMode::max ? value > best + min_delta_ : value < best - min_delta_;
}

RestoreBestWeights::RestoreBestWeights(RestoreBestWeightsOptions options)
    : monitor_("RestoreBestWeights", std::move(options.monitor), options.mode, options.min_delta) {}

void RestoreBestWeights::check_names(const Model& model, const Logs& names) const {
  monitor_.value(model, names);
}

void RestoreBestWeights::on_train_begin(Model&) {
  best_epoch_ = -1;
  weights_.clear();
}

void RestoreBestWeights::on_epoch_end(Model& model, Index epoch, const Logs& logs) {
  const double value = monitor_.value(model, logs);
  if (best_epoch_ >= 0 && !monitor_.improves(value, best_)) return;
  best_ = value;
  best_epoch_ = epoch;
  weights_.clear();
  for (const NamedParameter& parameter : parameters_of(model))
    weights_.push_back(parameter.tensor.value().clone());
}

void RestoreBestWeights::restore(Model& model) const {
  if (weights_.empty())
    throw StateError(
        "RestoreBestWeights: no epoch has ended yet, so there are no weights to put back");
  std::vector<NamedParameter> parameters = parameters_of(model);
  if (parameters.size() != weights_.size())
    throw ValueError(fmt::format(
        "RestoreBestWeights: the weights of {} parameters are remembered, and this model has {}",
        weights_.size(), parameters.size()));
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (const Shape& shape = parameters[i].tensor.shape(); shape != weights_[i].shape())
      throw ShapeError(fmt::format("RestoreBestWeights: {} is {} in this model; {} is remembered",
                                   parameters[i].path, to_string(shape),
                                   to_string(weights_[i].shape())));
  for (std::size_t i = 0; i < weights_.size(); ++i) parameters[i].tensor.assign(weights_[i]);
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : monitor_("EarlyStopping", std::move(options.monitor), options.mode, options.min_delta),
      patience_(options.patience) {
  if (patience_ < 0)
    throw ValueError(
        fmt::format("EarlyStopping: patience is {}; it must be at least 0", patience_));
}

void EarlyStopping::check_names(const Model& model, const Logs& names) const {
  monitor_.value(model, names);
}

void EarlyStopping::on_train_begin(Model&) {
  best_ = std::numeric_limits<double>::quiet_NaN();  // any value is better
  waited_ = 0;
  started_ = false;
  stopped_epoch_ = -1;
}

// As in Keras, waiting begins with the first epoch that does not improve. Patience 0 and 1 both
// stop at that epoch. The first epoch of a run never stops.
void EarlyStopping::on_epoch_end(Model& model, Index epoch, const Logs& logs) {
  const double value = monitor_.value(model, logs);
  if (monitor_.improves(value, best_)) {
    best_ = value;
    waited_ = 0;
  } else if (++waited_ >= patience_ && started_) {
    stopped_epoch_ = epoch;
    model.stop_training();
  }
  started_ = true;
}

}}  // namespace fovea
