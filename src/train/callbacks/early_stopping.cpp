#include "fovea/train/callbacks/early_stopping.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"
#include "train/callbacks/state_numbers.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : monitor_("EarlyStopping", std::move(options.monitor), options.mode, options.min_delta),
      patience_(options.patience),
      start_from_epoch_(options.start_from_epoch),
      baseline_(options.baseline),
      restores_(options.restore_best_weights) {
  if (patience_ < 0)
    throw ValueError(
        fmt::format("EarlyStopping: patience is {}; it must be at least 0", patience_));
  if (start_from_epoch_ < 0)
    throw ValueError(fmt::format("EarlyStopping: start_from_epoch is {}; it must be at least 0",
                                 start_from_epoch_));
  if (baseline_ && !std::isfinite(*baseline_))
    throw ValueError(fmt::format("EarlyStopping: baseline is {}; it must be finite", *baseline_));
}

void EarlyStopping::check_names(const Model& model, const Logs& names) const {
  monitor_.value(model, names);
}

void EarlyStopping::on_train_begin(Model&) {
  best_ = std::numeric_limits<double>::quiet_NaN();  // any value is better
  best_epoch_ = -1;
  waited_ = 0;
  stopped_epoch_ = -1;
  weights_.clear();
}

// As in Keras, waiting begins with the first epoch that does not improve. Patience 0 and 1 both
// stop at that epoch. The first epoch of a run never stops.
void EarlyStopping::on_epoch_end(Model& model, Index epoch, const Logs& logs) {
  const double value = monitor_.value(model, logs);
  if (epoch < start_from_epoch_) return;
  ++waited_;
  const bool improved = monitor_.improves(value, best_);
  if (improved || best_epoch_ < 0) {
    best_epoch_ = epoch;
    if (restores_) weights_.keep(model);
  }
  if (improved) {
    best_ = value;
    if (!baseline_ || monitor_.improves(value, *baseline_)) waited_ = 0;
  } else if (waited_ >= patience_ && epoch > 0) {
    stopped_epoch_ = epoch;
    model.stop_training();
  }
}

void EarlyStopping::on_train_end(Model& model) {
  if (!weights_.empty()) weights_.restore(model);
}

std::string EarlyStopping::state_name() const {
  return fmt::format("EarlyStopping/{}", monitor_.name());
}

CallbackState EarlyStopping::state() const {
  CallbackState state{.numbers = {{"best", best_},
                                  {"best_epoch", static_cast<double>(best_epoch_)},
                                  {"waited", static_cast<double>(waited_)},
                                  {"stopped_epoch", static_cast<double>(stopped_epoch_)}},
                      .arrays = {}};
  weights_.save(state);
  return state;
}

void EarlyStopping::load_state(const CallbackState& state) {
  const double best = number_of("EarlyStopping", state, "best");
  const Index best_epoch = count_of("EarlyStopping", state, "best_epoch", -1);
  if (restores_ && best_epoch >= 0 && !state.arrays.contains("weights/0"))
    throw StateError(
        "EarlyStopping: load_state: there are no weights in the state, and restore_best_weights is "
        "set; resume with the options that the training had");
  waited_ = count_of("EarlyStopping", state, "waited");
  stopped_epoch_ = count_of("EarlyStopping", state, "stopped_epoch", -1);
  best_epoch_ = best_epoch;
  best_ = best;
  weights_.load(state);
}

}}  // namespace fovea
