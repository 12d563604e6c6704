// The end of a training that no longer improves.
#pragma once

#include <concepts>
#include <optional>
#include <utility>

#include "fovea/train/callbacks/restore_best_weights.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What EarlyStopping takes.
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";         ///< what is watched
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  double min_delta = 0;                     ///< by how much a value must be better to count as such
  Index patience = 0;                       ///< epochs without a better value, until training ends
  /// What a value must be better than, besides the best so far, for the waiting to begin anew.
  std::optional<double> baseline = {};
  /// Whether the weights of the best epoch are put back when training ends, for whatever reason.
  bool restore_best_weights = false;
  Index start_from_epoch = 0;  ///< values of earlier epochs are not looked at
};

/// Ends the training when a value has not improved by more than min_delta for `patience` epochs in
/// a row. Keras' EarlyStopping; but a value that is NaN is worse than any other, where Keras never
/// finds a better one after a first NaN.
class EarlyStopping : public Callback {
 public:
  /// Throws ValueError for a patience, min_delta or start_from_epoch below 0, and a baseline that
  /// is not finite.
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
  /// Puts the best weights back, where that is asked for.
  void on_train_end(Model& model) override;
  std::string state_name() const override;
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;
  /// Returns whether it stopped the training.
  bool has_ended() const override { return stopped_epoch_ >= 0; }

  /// Returns the epoch after which this callback stopped the training, counted from 0; -1 where it
  /// has not.
  Index stopped_epoch() const { return stopped_epoch_; }
  /// Returns the best epoch so far, counted from 0; -1 where none was looked at.
  Index best_epoch() const { return best_epoch_; }

 private:
  Monitor monitor_;
  Index patience_, start_from_epoch_;
  std::optional<double> baseline_;
  bool restores_;
  double best_ = 0;
  Index best_epoch_ = -1, waited_ = 0, stopped_epoch_ = -1;
  KeptWeights weights_{"EarlyStopping"};
};

}}  // namespace fovea
