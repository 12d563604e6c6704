// What can happen between the batches and epochs of `fit`.
#pragma once

#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Model;

/// Loss and metrics by name: "loss", "accuracy", "val_loss" ...
struct Logs : std::map<std::string, double, std::less<>> {
  using map::map;
  /// Returns a value to be set; 0 if it is new.
  double& operator[](std::string_view name) &;
  /// Returns a value of a constant or a temporary. Throws IndexError where there is none of that
  /// name.
  double operator[](std::string_view name) const&;
};

/// What a callback remembers: numbers and arrays by name. Files keep every bit of them.
struct CallbackState {
  std::map<std::string, double> numbers;  ///< by name
  std::map<std::string, Array> arrays;    ///< by name
};

/// The base of callbacks, with the names of Keras: override what is of interest. Epochs and batches
/// count from 0. Any function may call `model.stop_training()`. An exception thrown here ends
/// `fit`; the model then stands at the end of the last batch.
class Callback {
 public:
  virtual ~Callback() = default;

  /// Is called before anything is trained, with the names that the logs of an epoch will have.
  /// Throws for a name that is missing.
  virtual void check_names(const Model&, const Logs& /*names*/) const {}
  /// Is called before the first epoch.
  virtual void on_train_begin(Model&) {}
  /// Is called before the first batch of an epoch.
  virtual void on_epoch_begin(Model&, Index /*epoch*/) {}
  /// Is called before each batch.
  virtual void on_train_batch_begin(Model&, Index /*batch*/) {}
  /// Is called after each batch, with the losses and metrics of the epoch so far.
  virtual void on_train_batch_end(Model&, Index /*batch*/, const Logs&) {}
  /// Is called after the last batch of an epoch and after its validation, whose values are among
  /// the logs.
  virtual void on_epoch_end(Model&, Index /*epoch*/, const Logs&) {}
  /// Is called after the last epoch, also where training was stopped.
  virtual void on_train_end(Model&) {}

  /// Returns the name of its state in files of models; empty: it has no state.
  virtual std::string state_name() const { return {}; }
  /// Returns all that it needs to go on.
  virtual CallbackState state() const { return {}; }
  /// Goes on from a state. Is called between on_train_begin and the first epoch of a training that
  /// is resumed.
  virtual void load_state(const CallbackState&) {}
  /// Returns its place among the callbacks: those of a lower number are called first, equal ones in
  /// the order in which they were given. What saves the others' states comes after them.
  virtual int turn() const { return 0; }
};

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

 private:
  const char* callback_;
  std::string name_;
  MonitorMode mode_;  // by_name only where the name does not tell
  double min_delta_;
};

/// What RestoreBestWeights takes.
struct RestoreBestWeightsOptions {
  std::string monitor = "val_loss";         ///< what is watched
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  double min_delta = 0;                     ///< by how much a value must be better to count as such
};

/// Remembers the weights of the epoch in which a value was best, and puts them back when training
/// ends.
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

  /// Puts the remembered weights back. Throws StateError where there are none.
  void restore(Model& model) const;

  /// Returns the best epoch, counted from 0; -1 before the first.
  Index best_epoch() const { return best_epoch_; }

 private:
  Monitor monitor_;
  double best_ = 0;
  Index best_epoch_ = -1;
  std::vector<Array> weights_;
};

/// What EarlyStopping takes.
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";         ///< what is watched
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  double min_delta = 0;                     ///< by how much a value must be better to count as such
  Index patience = 0;                       ///< epochs without a better value, until training ends
};

/// Ends the training when a value has not improved by more than min_delta for `patience` epochs in
/// a row. Keras' EarlyStopping.
class EarlyStopping : public Callback {
 public:
  /// Throws ValueError for a patience or min_delta below 0.
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  /// Takes patience, min_delta and monitor; the mode follows from the name. A template, so that
  /// {.patience = 3} cannot mean a number.
  template <std::integral Number>
  explicit EarlyStopping(Number patience, double min_delta = 0, std::string monitor = "val_loss")
      : EarlyStopping(EarlyStoppingOptions{
            .monitor = std::move(monitor), .min_delta = min_delta, .patience = patience}) {}

  /// Throws ValueError without the value, and where its name does not tell which values are
  /// better.
  void check_names(const Model& model, const Logs& names) const override;
  /// Forgets the values of an earlier training.
  void on_train_begin(Model& model) override;
  /// Stops the training where the value has not improved for long enough. Throws ValueError without
  /// the value.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;

  /// Returns the epoch after which this callback stopped the training, counted from 0; -1 where it
  /// has not.
  Index stopped_epoch() const { return stopped_epoch_; }

 private:
  Monitor monitor_;
  Index patience_;
  double best_ = 0;
  Index waited_ = 0;
  bool started_ = false;
  Index stopped_epoch_ = -1;
};

}}  // namespace fovea
