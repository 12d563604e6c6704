// What can happen between the batches and epochs of `fit`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"

namespace fovea::inline FOVEA_PRECISION {

class Sequential;

/// Loss and metrics by name: "loss", "accuracy", "val_loss" ...
struct Logs : std::map<std::string, double, std::less<>> {
  using map::map;
  double& operator[](std::string_view name) &;       ///< to be set; 0 if it is new
  double operator[](std::string_view name) const&;  ///< of a constant or a temporary; throws IndexError if there is none of that name
};

/// Base of callbacks: override what is of interest. Epochs and batches count from 0. An exception thrown here ends `fit`; the model
/// then stands at the end of the last batch.
class Callback {
 public:
  virtual ~Callback() = default;
  /// Before anything is trained, with the names that an epoch's logs will have: to refuse what would not be among them.
  virtual void check_names(const Sequential&, const Logs& /*names*/) const {}
  virtual void on_train_begin(Sequential&) {}  ///< before the first epoch
  virtual void on_epoch_begin(Sequential&, Index /*epoch*/) {}  ///< before the first batch of an epoch
  virtual void on_batch_end(Sequential&, Index /*batch*/, const Logs&) {}  ///< with the means of the epoch so far
  virtual void on_epoch_end(Sequential&, Index /*epoch*/, const Logs&) {}  ///< with validation, if there is any
  virtual void on_train_end(Sequential&) {}  ///< after the last epoch

  /// Asked after each epoch: true ends the training.
  virtual bool wants_to_stop() const { return false; }
};

/// Remembers the weights of the epoch in which a value was lowest, and puts them back when training ends.
class RestoreBestWeights : public Callback {
 public:
  explicit RestoreBestWeights(std::string monitor = "val_loss") : monitor_(std::move(monitor)) {}  ///< of the value to watch

  void check_names(const Sequential& model, const Logs& names) const override;  ///< throws ValueError without the value
  void on_train_begin(Sequential& model) override;  ///< forgets what it had
  /// Throws ValueError when the monitored value is not among the logs.
  void on_epoch_end(Sequential& model, Index epoch, const Logs& logs) override;
  void on_train_end(Sequential& model) override { restore(model); }  ///< puts the best weights back

  /// Puts the remembered weights back. Throws StateError when none are.
  void restore(Sequential& model) const;

  /// The best epoch, counted from 0; -1 before the first.
  Index best_epoch() const { return best_epoch_; }

 private:
  std::string monitor_;
  double best_ = 0;
  Index best_epoch_ = -1;
  std::vector<Array> weights_;
};

/// Ends the training when a value has not improved by more than min_delta for `patience` epochs in a row. Keras' EarlyStopping.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(Index patience = 0, double min_delta = 0, std::string monitor = "val_loss");  ///< throws ValueError below 0

  void check_names(const Sequential& model, const Logs& names) const override;  ///< throws ValueError without the value
  void on_train_begin(Sequential& model) override;  ///< forgets what it had
  void on_epoch_end(Sequential& model, Index epoch, const Logs& logs) override;  ///< throws ValueError without the value
  bool wants_to_stop() const override { return stopped_; }

 private:
  std::string monitor_;
  Index patience_;
  double min_delta_;
  double best_ = 0;
  Index waited_ = 0;
  bool started_ = false, stopped_ = false;
};

}  // namespace fovea
