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
  double& operator[](std::string_view name) &;  ///< to be set; 0 if it is new
  double operator[](std::string_view name)
      const&;  ///< of a constant or a temporary; throws IndexError if there is none of that name
};

/// Base of callbacks: override what is of interest. Epochs and batches count from 0. An exception
/// thrown here ends `fit`; the model then stands at the end of the last batch.
class Callback {
 public:
  virtual ~Callback() = default;
  /// Before anything is trained, with the names that an epoch's logs will have: to refuse what
  /// would not be among them.
  virtual void check_names(const Model&, const Logs& /*names*/) const {}
  virtual void on_train_begin(Model&) {}                   ///< before the first epoch
  virtual void on_epoch_begin(Model&, Index /*epoch*/) {}  ///< before the first batch of an epoch
  virtual void on_batch_end(Model&, Index /*batch*/, const Logs&) {
  }  ///< with the means of the epoch so far
  virtual void on_epoch_end(Model&, Index /*epoch*/, const Logs&) {
  }                                     ///< with validation, if there is any
  virtual void on_train_end(Model&) {}  ///< after the last epoch

  /// Asked after each epoch: true ends the training.
  virtual bool wants_to_stop() const { return false; }
};

/// Which values of what is watched are better.
enum class MonitorMode {
  by_name,  ///< lower for losses and errors, higher for accuracy and its like; ValueError for a
            ///< name that tells neither
  min,      ///< lower
  max,      ///< higher
};

/// A value of the logs that is watched, and which of two is better. NaN is worse than any number.
class Monitor {
 public:
  /// `callback` is the name in messages, a literal. Throws ValueError unless min_delta is at least
  /// 0.
  Monitor(const char* callback, std::string name, MonitorMode mode, double min_delta);

  /// The value. Throws ValueError where the logs have none of that name, or it is not known which
  /// values are better.
  double value(const Model& model, const Logs& logs) const;
  /// Whether `value` is better than `best` by more than min_delta.
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
  explicit RestoreBestWeights(
      RestoreBestWeightsOptions options = {});  ///< throws ValueError for a min_delta below 0
  /// By the name of the value to watch. A template, so that {.monitor = ...} cannot mean a string.
  template <std::convertible_to<std::string> Name>
  explicit RestoreBestWeights(Name monitor)
      : RestoreBestWeights(RestoreBestWeightsOptions{.monitor = std::move(monitor)}) {}

  /// Throws ValueError without the value, and where its name does not tell which values are better.
  void check_names(const Model& model, const Logs& names) const override;
  void on_train_begin(Model& model) override;  ///< forgets what it had
  /// Throws ValueError when the monitored value is not among the logs.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  void on_train_end(Model& model) override { restore(model); }  ///< puts the best weights back

  /// Puts the remembered weights back. Throws StateError when none are.
  void restore(Model& model) const;

  /// The best epoch, counted from 0; -1 before the first.
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
  Index patience = 0;  ///< epochs in a row without a better value, after which training ends
};

/// Ends the training when a value has not improved by more than min_delta for `patience` epochs in
/// a row. Keras' EarlyStopping.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options =
                             {});  ///< throws ValueError for a patience or min_delta below 0
  /// The same with mode by name. A template, so that {.patience = 3} cannot mean a number.
  template <std::integral Number>
  explicit EarlyStopping(Number patience, double min_delta = 0, std::string monitor = "val_loss")
      : EarlyStopping(EarlyStoppingOptions{
            .monitor = std::move(monitor), .min_delta = min_delta, .patience = patience}) {}

  /// Throws ValueError without the value, and where its name does not tell which values are better.
  void check_names(const Model& model, const Logs& names) const override;
  void on_train_begin(Model& model) override;  ///< forgets what it had
  void on_epoch_end(Model& model, Index epoch,
                    const Logs& logs) override;  ///< throws ValueError without the value
  bool wants_to_stop() const override { return stopped_; }

 private:
  Monitor monitor_;
  Index patience_;
  double best_ = 0;
  Index waited_ = 0;
  bool started_ = false, stopped_ = false;
};

}}  // namespace fovea
