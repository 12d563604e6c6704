// The end of a training whose loss is not finite.
#pragma once

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What TerminateOnNaN takes.
struct TerminateOnNaNOptions {
  bool raise_error = false;  ///< whether fit throws ValueError, in place of ending as when stopped
};

/// Ends the training after the first batch with which the loss is NaN or infinite. Keras'
/// TerminateOnNaN; it prints nothing, and tells the batch.
class TerminateOnNaN : public Callback {
 public:
  /// Takes the options.
  explicit TerminateOnNaN(TerminateOnNaNOptions options = {}) : options_(options) {}

  /// Forgets an earlier training.
  void on_train_begin(Model& model) override;
  /// Takes the number of the epoch.
  void on_epoch_begin(Model&, Index epoch) override { epoch_ = epoch; }
  /// Takes the number of the epoch.
  void on_epoch_resumed(Model&, Index epoch) override { epoch_ = epoch; }
  /// Stops the training, or throws ValueError, where "loss" is not finite.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;

  /// Returns the epoch of the first loss that is not finite, counted from 0; -1: there is none.
  Index stopped_epoch() const { return stopped_epoch_; }
  /// Returns its batch within the epoch, counted from 0; -1: there is none.
  Index stopped_batch() const { return stopped_batch_; }

 private:
  TerminateOnNaNOptions options_;
  Index epoch_ = 0, stopped_epoch_ = -1, stopped_batch_ = -1;
};

}}  // namespace fovea
