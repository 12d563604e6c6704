// Ctrl-C that ends a training in order.
#pragma once

#include <memory>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// While in scope, SIGINT (Ctrl-C) and SIGTERM ask for the end of the training, in place of ending
/// the process: fit finishes the batch that is running, validates and logs the epoch so far, calls
/// on_train_end of all callbacks, and returns its History.
///
///     StopOnSignal guard;
///     model.fit(x, y, {.callbacks = {&guard}});
///     if (guard.requested()) return 128 + guard.signal();
///
/// A second signal does what it did before: most often it ends the process. Both get their old
/// handlers back when the guard goes out of scope, by an exception too. A signal that is ignored
/// stays so, as nohup wants it. Guards in scope at the same time, in any threads, share what is
/// asked for, and may end in any order; the first one starts with nothing asked for. The library
/// installs no handler without a guard.
class StopOnSignal : public Callback {
 public:
  /// Installs the handlers.
  StopOnSignal();
  /// Gives the old handlers back, unless others were installed since.
  ~StopOnSignal() override;
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  /// Returns whether a signal has come: for a training loop of one's own, after each batch.
  bool requested() const { return signal() != 0; }
  /// Returns the first signal that has come, SIGINT or SIGTERM; 0: none.
  int signal() const;

  /// Stops the training where a signal has come.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Stops the training where a signal has come during validation.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;

  /// What a guard keeps for the handler.
  struct Installed;

 private:
  void stop(Model& model) const;

  std::unique_ptr<Installed> installed_;
};

}}  // namespace fovea
