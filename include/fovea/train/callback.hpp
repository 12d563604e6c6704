// What can happen between the batches and epochs of `fit`.
#pragma once

#include <map>
#include <string>

#include "fovea/array/array.hpp"
#include "fovea/train/logs.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Model;

/// What a callback needs to go on where a training is resumed. The numbers come back bit for bit.
struct CallbackState {
  /// Numbers by name.
  std::map<std::string, double> numbers;
  /// Arrays by name.
  std::map<std::string, Array> arrays;
};

/// How long a fit is going to be. Keras' Callback.params.
struct FitParams {
  Index epochs = 0;  ///< epochs at most
  Index steps = 0;   ///< batches of an epoch; 0 where that is not known
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
  /// Is called before on_train_begin.
  virtual void set_params(const FitParams&) {}
  /// Is called before the first epoch.
  virtual void on_train_begin(Model&) {}
  /// Is called before the first batch of an epoch.
  virtual void on_epoch_begin(Model&, Index /*epoch*/) {}
  /// Is called in place of on_epoch_begin where a training that is resumed goes on within an epoch.
  virtual void on_epoch_resumed(Model&, Index /*epoch*/) {}
  /// Is called before each batch.
  virtual void on_train_batch_begin(Model&, Index /*batch*/) {}
  /// Is called after each batch, with the losses and metrics of the epoch so far.
  virtual void on_train_batch_end(Model&, Index /*batch*/, const Logs&) {}
  /// Is called after the last batch of an epoch and after its validation, whose values are among
  /// the logs.
  virtual void on_epoch_end(Model&, Index /*epoch*/, const Logs&) {}
  /// Is called after the last epoch, also where training was stopped.
  virtual void on_train_end(Model&) {}

  /// Returns the name under which a resume finds the state; empty for a callback without a state.
  virtual std::string state_name() const { return {}; }
  /// Returns the state after the last call.
  virtual CallbackState state() const { return {}; }
  /// Continues from a state. Is called after on_train_begin, which forgets an earlier training, and
  /// before the first epoch. Throws StateError for the state of another callback.
  virtual void load_state(const CallbackState&) {}
  /// Returns its place among the callbacks: those of a lower number are called first, equal ones in
  /// the order in which they were given. What saves the others' states comes after them.
  virtual int turn() const { return 0; }
  /// Returns whether it has ended the training for good, as EarlyStopping does: a resume trains no
  /// further epoch.
  virtual bool has_ended() const { return false; }
};

}}  // namespace fovea
