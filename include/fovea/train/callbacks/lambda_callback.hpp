// A callback from functions.
#pragma once

#include <functional>
#include <utility>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The functions of a LambdaCallback, each called when the function of Callback of that name is; an
/// empty one is left out.
struct LambdaCallbackOptions {
  std::function<void(Model&)> on_train_begin = {};                     ///< before the first epoch
  std::function<void(Model&, Index epoch)> on_epoch_begin = {};        ///< before its first batch
  std::function<void(Model&, Index batch)> on_train_batch_begin = {};  ///< before each batch
  std::function<void(Model&, Index batch, const Logs&)> on_train_batch_end = {};  ///< after each
  std::function<void(Model&, Index epoch, const Logs&)> on_epoch_end = {};  ///< after validation
  std::function<void(Model&)> on_train_end = {};  ///< after the last epoch
};

/// Calls functions. Keras' LambdaCallback, but that each function is given the model.
///
///     LambdaCallback report({.on_epoch_end = [](Model&, Index epoch, const Logs& logs) {
///       std::printf("%td: %f\n", epoch, logs["loss"]);
///     }});
class LambdaCallback : public Callback {
 public:
  /// Takes the functions.
  explicit LambdaCallback(LambdaCallbackOptions functions) : functions_(std::move(functions)) {}

  void on_train_begin(Model& model) override { call(functions_.on_train_begin, model); }
  void on_epoch_begin(Model& model, Index epoch) override {
    call(functions_.on_epoch_begin, model, epoch);
  }
  void on_train_batch_begin(Model& model, Index batch) override {
    call(functions_.on_train_batch_begin, model, batch);
  }
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override {
    call(functions_.on_train_batch_end, model, batch, logs);
  }
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override {
    call(functions_.on_epoch_end, model, epoch, logs);
  }
  void on_train_end(Model& model) override { call(functions_.on_train_end, model); }

 private:
  template <class Function, class... Arguments>
  static void call(const Function& function, Arguments&... arguments) {
    if (function) function(arguments...);
  }

  LambdaCallbackOptions functions_;
};

}}  // namespace fovea
