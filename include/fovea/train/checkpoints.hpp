// Callbacks that save: what is kept of a training, and what lets it go on after it was killed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/train/callbacks.hpp"
#include "fovea/train/model_file.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What ModelCheckpoint takes.
struct ModelCheckpointOptions {
  /// The file. It may name values of the logs and the numbers of epoch and batch, which count from
  /// 1 here as in Keras: "model-{epoch:02d}-{val_loss:.2f}.safetensors", "{batch}". Folders are
  /// made.
  std::string filepath;
  std::string monitor = "val_loss";         ///< what is watched, of save_best_only
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  bool save_best_only = false;              ///< only where the value is the best so far
  bool save_weights_only = false;           ///< save_weights instead of save
  Index save_freq = 0;                      ///< batches between saves; 0: after each epoch
  Index keep_last = 0;  ///< files that are kept, of those of this callback; 0: all
  /// A value that the first best one must improve on.
  std::optional<double> initial_value_threshold = {};
  SavedTexts texts = {};  ///< as in SaveOptions
};

/// Saves the model while it is trained. Keras' ModelCheckpoint; a value that is missing is an error
/// before training, where Keras warns and saves nothing.
///
/// A file has the model as it was when the callback was called, and is written in the background,
/// which needs memory for a copy of what the training changes meanwhile. The next save waits for
/// it, and so does the end of fit, by an exception too. What writing throws arrives at one of
/// these, or at a save of another callback, and names this one. `Model::save`, `save_weights` and
/// `load_weights` wait as well.
class ModelCheckpoint : public Callback {
 public:
  /// Throws ValueError for numbers below 0 and an empty filepath.
  explicit ModelCheckpoint(ModelCheckpointOptions options);

  /// Throws ValueError for a filepath that names no value of the logs, and as EarlyStopping does
  /// for what is watched; StateError, with save_freq, for a metric whose state cannot be saved.
  /// After a batch there are no values of validation.
  void check_names(const Model& model, const Logs& names) const override;
  /// Forgets an earlier training.
  void on_train_begin(Model& model) override;
  /// Counts epochs.
  void on_epoch_begin(Model& model, Index epoch) override;
  /// Saves, with save_freq. Throws IoError, as on_epoch_end does, of an earlier save as well.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Saves, without save_freq.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;

  /// "ModelCheckpoint"
  std::string state_name() const override { return "ModelCheckpoint"; }
  /// Returns the best value, the files and counts.
  CallbackState state() const override;
  /// Goes on from a state.
  void load_state(const CallbackState& state) override;
  /// After callbacks that do not save.
  int turn() const override { return 1; }

  /// Returns the files that are written and kept, the oldest first. One that is being written is
  /// not among them yet. May be called from any thread, but not while a fit begins or a file is
  /// loaded.
  std::vector<std::string> saved() const;

 private:
  struct Written;  // what the background has done

  void begin(std::vector<std::string> files);
  std::string path(const Model& model, Index epoch, Index batch, const Logs& logs) const;
  void save(Model& model, Index batch, const Logs& logs);

  ModelCheckpointOptions options_;
  Monitor monitor_;
  std::optional<double> best_;
  std::vector<std::string> files_;  // as they will be once all is written
  std::shared_ptr<Written> written_;
  Index epoch_ = 0, batches_ = 0;  // batches since the last save
};

/// What BackupAndRestore takes.
struct BackupAndRestoreOptions {
  std::string backup_dir;         ///< a folder, which is made; other files in it stay
  Index save_freq = 0;            ///< batches between backups; 0: after each epoch
  Index keep = 2;                 ///< backups that are kept: the newest ones
  bool delete_checkpoint = true;  ///< whether they are removed when training ends, as in Keras
  /// Is told of a backup that cannot be read, for which an older one is used.
  std::function<void(const std::string& warning)> on_warning = {};
  SavedTexts texts = {};  ///< as in SaveOptions
};

/// Lets a training that was killed go on when the program is started again: the same bits as if it
/// had never stopped, on any number of threads, with save_freq at any batch. Keras'
/// BackupAndRestore, which goes on at an epoch or a batch with other random numbers.
///
/// A training that `stop_training` ends early, by Ctrl-C for instance, is saved at that batch,
/// unless the loss is not finite, and its backups stay. Where EarlyStopping ended it, it is
/// complete. Backups are written in the background, as the files of ModelCheckpoint are.
class BackupAndRestore : public Callback {
 public:
  /// Throws ValueError for numbers below 0, keep below 1, and without a folder.
  explicit BackupAndRestore(BackupAndRestoreOptions options);

  /// Throws StateError for a metric whose state cannot be saved.
  void check_names(const Model& model, const Logs& names) const override;
  /// Loads the newest backup that can be read. Throws where there are some and none can be, and
  /// for one of another model, optimiser or seed.
  void on_train_begin(Model& model) override;
  /// Saves, with save_freq, or where training ends here.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Saves, without save_freq, or where training ends here.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Removes the backups of a training that is complete.
  void on_train_end(Model& model) override;

  /// "BackupAndRestore"
  std::string state_name() const override { return "BackupAndRestore"; }
  /// Returns the count of batches.
  CallbackState state() const override;
  /// Goes on from a state.
  void load_state(const CallbackState& state) override;
  /// Last of all.
  int turn() const override { return 2; }

  /// Returns the file that training went on from; empty: it began anew.
  const std::string& restored_from() const& { return restored_from_; }
  /// The same, of a temporary.
  std::string restored_from() const&& { return restored_from_; }

 private:
  void save(Model& model);

  BackupAndRestoreOptions options_;
  std::string restored_from_;
  std::vector<std::string> damaged_;  // backups that could not be read when fit began
  Index batches_ = 0;                 // since the last backup
};

}}  // namespace fovea
