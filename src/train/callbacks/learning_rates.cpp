#include "fovea/train/callbacks/learning_rates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"
#include "train/callbacks/state_numbers.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_number(Model& model, const char* callback) {
  if (!model.optimizer().rate().number())
    throw StateError(
        fmt::format("{}: fit: {}: expected an optimizer whose learning_rate is a number, got one "
                    "with a schedule; give it a number, or leave the callback out",
                    model.name(), callback));
}

}  // namespace

std::function<double(Index, double)> LearningRateScheduler::of_epoch_alone(
    std::function<double(Index)> schedule) {
  if (!schedule) return {};
  return [schedule = std::move(schedule)](Index epoch, double) { return schedule(epoch); };
}

void LearningRateScheduler::check() const {
  if (!schedule_)
    throw ValueError("LearningRateScheduler: the schedule is an empty function; give one");
}

void LearningRateScheduler::on_train_begin(Model& model) {
  check_number(model, "LearningRateScheduler");
}

void LearningRateScheduler::on_epoch_begin(Model& model, Index epoch) {
  const double rate = schedule_(epoch, model.optimizer().learning_rate());
  if (!(rate >= 0 && std::isfinite(rate)))
    throw ValueError(fmt::format(
        "{}: fit: LearningRateScheduler: the rate of epoch {} is {}; it must be at least 0 and "
        "finite",
        model.name(), epoch, rate));
  model.optimizer().set_learning_rate(rate);
}

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options)
    : monitor_("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta),
      options_(std::move(options)) {
  const auto check = [](const char* name, auto value, bool fits, const char* rule) {
    if (!fits) throw ValueError(fmt::format("ReduceLROnPlateau: {} is {}; {}", name, value, rule));
  };
  check("factor", options_.factor, options_.factor >= 0 && options_.factor < 1,
        "it must be at least 0 and below 1");
  check("patience", options_.patience, options_.patience >= 0, "it must be at least 0");
  check("cooldown", options_.cooldown, options_.cooldown >= 0, "it must be at least 0");
  check("min_lr", options_.min_lr, options_.min_lr >= 0 && std::isfinite(options_.min_lr),
        "it must be at least 0 and finite");
}

void ReduceLROnPlateau::check_names(const Model& model, const Logs& names) const {
  monitor_.value(model, names);
}

void ReduceLROnPlateau::on_train_begin(Model& model) {
  check_number(model, "ReduceLROnPlateau");
  best_ = std::numeric_limits<double>::quiet_NaN();  // any value is better
  waited_ = 0;
  cooldown_ = 0;
}

// As in Keras, the epoch in which the cooldown ends counts again; a rate at its lowest starts no
// cooldown.
void ReduceLROnPlateau::on_epoch_end(Model& model, Index, const Logs& logs) {
  const double value = monitor_.value(model, logs);
  if (cooldown_ > 0) {
    --cooldown_;
    waited_ = 0;
  }
  if (monitor_.improves(value, best_)) {
    best_ = value;
    waited_ = 0;
    return;
  }
  if (cooldown_ > 0 || ++waited_ < options_.patience) return;
  const double rate = model.optimizer().learning_rate();
  if (!(rate > options_.min_lr)) return;
  model.optimizer().set_learning_rate(std::max(rate * options_.factor, options_.min_lr));
  cooldown_ = options_.cooldown;
  waited_ = 0;
}

std::string ReduceLROnPlateau::state_name() const {
  return fmt::format("ReduceLROnPlateau/{}", monitor_.name());
}

CallbackState ReduceLROnPlateau::state() const {
  return {.numbers = {{"best", best_},
                      {"cooldown", static_cast<double>(cooldown_)},
                      {"waited", static_cast<double>(waited_)}},
          .arrays = {}};
}

void ReduceLROnPlateau::load_state(const CallbackState& state) {
  const double best = number_of("ReduceLROnPlateau", state, "best");
  const Index cooldown = count_of("ReduceLROnPlateau", state, "cooldown");
  waited_ = count_of("ReduceLROnPlateau", state, "waited");
  cooldown_ = cooldown;
  best_ = best;
}

}}  // namespace fovea
