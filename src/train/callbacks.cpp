#include "fovea/train/callbacks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/train/sequential.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

double monitored(const Sequential& model, const char* callback, const std::string& name, const Logs& logs) {
  const auto found = logs.find(name);
  if (found != logs.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& entry : logs) names.push_back(entry.first);
  throw ValueError(fmt::format("{}: fit: {}: there is no \"{}\" to watch; there are: {}{}", model.name(), callback, name,
                               fmt::join(names, ", "), name.starts_with("val_") ? "; give fit validation_data" : ""));
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
  throw IndexError(fmt::format("Logs: there is no \"{}\"; there are: {}", name, fmt::join(names, ", ")));
}

void RestoreBestWeights::check_names(const Sequential& model, const Logs& names) const {
  monitored(model, "RestoreBestWeights", monitor_, names);
}

void RestoreBestWeights::on_train_begin(Sequential&) {
  best_epoch_ = -1;
  weights_.clear();
}

void RestoreBestWeights::on_epoch_end(Sequential& model, Index epoch, const Logs& logs) {
  const double value = monitored(model, "RestoreBestWeights", monitor_, logs);
  if (best_epoch_ >= 0 && !(value < best_) && !std::isnan(best_)) return;
  best_ = value;
  best_epoch_ = epoch;
  weights_.clear();
  for (const NamedParameter& parameter : parameters_of(model)) weights_.push_back(parameter.tensor.value().clone());
}

void RestoreBestWeights::restore(Sequential& model) const {
  if (weights_.empty()) throw StateError("RestoreBestWeights: no epoch has ended yet, so there are no weights to put back");
  std::vector<NamedParameter> parameters = parameters_of(model);
  if (parameters.size() != weights_.size())
    throw ValueError(fmt::format("RestoreBestWeights: the weights of {} parameters are remembered, and this model has {}", weights_.size(), parameters.size()));
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (const Shape& shape = parameters[i].tensor.shape(); shape != weights_[i].shape())
      throw ShapeError(fmt::format("RestoreBestWeights: {} is {} in this model; {} is remembered", parameters[i].path, to_string(shape),
                                   to_string(weights_[i].shape())));
  for (std::size_t i = 0; i < weights_.size(); ++i) parameters[i].tensor.assign(weights_[i]);
}

EarlyStopping::EarlyStopping(Index patience, double min_delta, std::string monitor) : monitor_(std::move(monitor)), patience_(patience), min_delta_(min_delta) {
  if (patience < 0) throw ValueError(fmt::format("EarlyStopping: patience is {}; it must be at least 0", patience));
  if (!(min_delta >= 0)) throw ValueError(fmt::format("EarlyStopping: min_delta is {}; it must be at least 0", min_delta));
}

void EarlyStopping::check_names(const Sequential& model, const Logs& names) const { monitored(model, "EarlyStopping", monitor_, names); }

void EarlyStopping::on_train_begin(Sequential&) { started_ = stopped_ = false; }

// As in Keras, waiting begins with the first epoch that does not improve, and patience 0 and 1 both stop at it.
void EarlyStopping::on_epoch_end(Sequential& model, Index, const Logs& logs) {
  const double value = monitored(model, "EarlyStopping", monitor_, logs);
  if (!started_ || value < best_ - min_delta_) {
    best_ = value;
    waited_ = 0;
    started_ = true;
  } else {
    stopped_ = ++waited_ >= patience_;
  }
}

}  // namespace fovea
