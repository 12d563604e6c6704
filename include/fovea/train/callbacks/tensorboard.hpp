// Losses, metrics and weights for TensorBoard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace io {
struct EventValue;
}

/// What TensorBoard takes.
struct TensorBoardOptions {
  std::string log_dir = "logs";  ///< the folder, made where there is none
  Index histogram_freq = 0;      ///< after how many epochs weights are written; 0: never
  /// After how many batches their values are written, which are those of the epoch so far; 0: only
  /// after epochs.
  Index update_freq = 0;
};

/// Writes event files, which `tensorboard --logdir logs` shows while the training runs. Keras'
/// TensorBoard, with its names: the runs "train" and "validation", "epoch_loss" by epoch and
/// "batch_loss" by batch, "epoch_learning_rate", and "dense/kernel/histogram", of 30 buckets
/// between the smallest and the largest weight that is finite.
///
/// A training that is resumed continues its files from the epoch and batch at which it goes on:
/// later events of the training before are cut off. Each event is written by one call; they are
/// brought to the disk when training ends: before that a power cut may take the last ones.
class TensorBoard : public Callback {
 public:
  /// Throws ValueError for an empty folder, and for options below 0.
  explicit TensorBoard(TensorBoardOptions options = {});

  /// Begins new files, and makes the folders. Throws IoError.
  void on_train_begin(Model& model) override;
  /// Takes the number of the epoch.
  void on_epoch_begin(Model&, Index epoch) override { epoch_ = epoch; }
  /// Takes the number of the epoch.
  void on_epoch_resumed(Model&, Index epoch) override { epoch_ = epoch; }
  /// Writes the values where it is time. Throws IoError.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Writes the values, and weights where it is time. Throws IoError.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Brings the events to the disk. Throws IoError.
  void on_train_end(Model& model) override;
  std::string state_name() const override { return "TensorBoard/" + options_.log_dir; }
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  void write(const char* run, Index step, const std::vector<io::EventValue>& values, bool& resumed);
  std::string path(const char* run) const;
  std::string resumed_path(const char* run) const;

  TensorBoardOptions options_;
  std::int64_t seconds_ = 0, process_ = 0, number_ = 0;      // in the names of the files
  Index epoch_ = 0, steps_ = 0;                              // batches since the training began
  bool resumed_train_ = false, resumed_validation_ = false;  // not cut off yet
};

}}  // namespace fovea
