#include "fovea/train/callbacks/restore_best_weights.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"
#include "train/callbacks/state_numbers.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void KeptWeights::keep(const Model& model) {
  std::vector<Array> weights;
  for (const NamedParameter& parameter : parameters_of(model))
    weights.push_back(parameter.tensor.value().clone());
  weights_ = std::move(weights);
}

void KeptWeights::restore(Model& model) const {
  if (weights_.empty())
    throw StateError(
        fmt::format("{}: no epoch has ended yet, so there are no weights to put back", callback_));
  std::vector<NamedParameter> parameters = parameters_of(model);
  if (parameters.size() != weights_.size())
    throw ValueError(
        fmt::format("{}: the weights of {} parameters are remembered, and this model has {}",
                    callback_, weights_.size(), parameters.size()));
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (const Shape& shape = parameters[i].tensor.shape(); shape != weights_[i].shape())
      throw ShapeError(fmt::format("{}: {} is {} in this model; {} is remembered", callback_,
                                   parameters[i].path, to_string(shape),
                                   to_string(weights_[i].shape())));
  for (std::size_t i = 0; i < weights_.size(); ++i) parameters[i].tensor.assign(weights_[i]);
}

void KeptWeights::save(CallbackState& state) const {
  for (std::size_t i = 0; i < weights_.size(); ++i)
    state.arrays.emplace(fmt::format("weights/{}", i), weights_[i]);
}

void KeptWeights::load(const CallbackState& state) {
  std::vector<Array> weights;
  while (true) {
    const auto found = state.arrays.find(fmt::format("weights/{}", weights.size()));
    if (found == state.arrays.end()) break;
    weights.push_back(found->second);
  }
  weights_ = std::move(weights);
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
  weights_.keep(model);
}

std::string RestoreBestWeights::state_name() const {
  return fmt::format("RestoreBestWeights/{}", monitor_.name());
}

CallbackState RestoreBestWeights::state() const {
  CallbackState state{
      .numbers = {{"best", best_}, {"best_epoch", static_cast<double>(best_epoch_)}}, .arrays = {}};
  weights_.save(state);
  return state;
}

void RestoreBestWeights::load_state(const CallbackState& state) {
  const double best = number_of("RestoreBestWeights", state, "best");
  best_epoch_ = count_of("RestoreBestWeights", state, "best_epoch", -1);
  best_ = best;
  weights_.load(state);
}

}}  // namespace fovea
