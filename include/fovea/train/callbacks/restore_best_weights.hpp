// The weights of the best epoch.
#pragma once

#include <concepts>
#include <utility>
#include <vector>

#include "fovea/train/callbacks/monitor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A copy of all weights of a model.
class KeptWeights {
 public:
  /// Takes the name in messages, a literal.
  explicit KeptWeights(const char* callback) : callback_(callback) {}

  /// Returns whether there are none.
  bool empty() const { return weights_.empty(); }
  /// Forgets the weights.
  void clear() { weights_.clear(); }
  /// Copies the weights of a model.
  void keep(const Model& model);
  /// Puts the weights back. Throws StateError where there are none, ValueError and ShapeError for a
  /// model with other parameters; then nothing has changed.
  void restore(Model& model) const;
  /// Adds the weights to a state.
  void save(CallbackState& state) const;
  /// Takes over the weights of a state.
  void load(const CallbackState& state);

 private:
  const char* callback_;
  std::vector<Array> weights_;
};

/// What RestoreBestWeights takes.
struct RestoreBestWeightsOptions {
  std::string monitor = "val_loss";         ///< what is watched
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  double min_delta = 0;                     ///< by how much a value must be better to count as such
};

/// Remembers the weights of the epoch in which a value was best, and puts them back when training
/// ends, or when asked. To end the training as well, see EarlyStoppingOptions.
class RestoreBestWeights : public Callback {
 public:
  /// Throws ValueError for a min_delta below 0.
  explicit RestoreBestWeights(RestoreBestWeightsOptions options = {});
  /// Takes the name of the value to watch. A template, so that {.monitor = ...} cannot mean a
  /// string.
  template <std::convertible_to<std::string> Name>
  explicit RestoreBestWeights(Name monitor)
      : RestoreBestWeights(RestoreBestWeightsOptions{.monitor = std::move(monitor)}) {}

  /// Throws ValueError without the value, and where its name does not tell which values are
  /// better.
  void check_names(const Model& model, const Logs& names) const override;
  /// Forgets the weights of an earlier training.
  void on_train_begin(Model& model) override;
  /// Remembers the weights where the value is the best so far. Throws ValueError without the value.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Puts the best weights back.
  void on_train_end(Model& model) override { restore(model); }
  std::string state_name() const override;
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

  /// Puts the remembered weights back. Throws StateError where there are none.
  void restore(Model& model) const { weights_.restore(model); }

  /// Returns the best epoch, counted from 0; -1 before the first.
  Index best_epoch() const { return best_epoch_; }

 private:
  Monitor monitor_;
  double best_ = 0;
  Index best_epoch_ = -1;
  KeptWeights weights_{"RestoreBestWeights"};
};

}}  // namespace fovea
