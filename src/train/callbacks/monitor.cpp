#include "fovea/train/callbacks/monitor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

double monitored(const Model& model, const char* callback, const std::string& name,
                 const Logs& logs) {
  const auto found = logs.find(name);
  if (found != logs.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& entry : logs) names.push_back(entry.first);
  throw ValueError(fmt::format("{}: fit: {}: there is no \"{}\" to watch; there are: {}{}",
                               model.name(), callback, name, fmt::join(names, ", "),
                               name.starts_with("val_") ? "; give fit validation_data" : ""));
}

// Returns which values are better, where a word of the name tells: "val_mean_squared_error" is an
// error.
MonitorMode mode_of(std::string_view name) {
  constexpr std::array<std::string_view, 10> low = {"loss",    "error",      "mse",
                                                    "mae",     "rmse",       "crossentropy",
                                                    "entropy", "divergence", "perplexity",
                                                    "huber"},
                                             high = {"accuracy", "acc", "precision", "recall",
                                                     "auc",      "f1",  "fmeasure",  "iou",
                                                     "dice",     "r2"};
  bool is_low = false, is_high = false;
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find('_'));
    is_low = is_low || std::ranges::find(low, word) != low.end();
    is_high = is_high || std::ranges::find(high, word) != high.end();
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return is_low == is_high ? MonitorMode::by_name : is_low ? MonitorMode::min : MonitorMode::max;
}

}  // namespace

Monitor::Monitor(const char* callback, std::string name, MonitorMode mode, double min_delta)
    : callback_(callback),
      name_(std::move(name)),
      mode_(mode == MonitorMode::by_name ? mode_of(name_) : mode),
      min_delta_(min_delta) {
  if (!(min_delta >= 0 && std::isfinite(min_delta)))
    throw ValueError(
        fmt::format("{}: min_delta is {}; it must be at least 0 and finite", callback, min_delta));
}

double Monitor::value(const Model& model, const Logs& logs) const {
  const double value = monitored(model, callback_, name_, logs);
  if (mode_ == MonitorMode::by_name)
    throw ValueError(
        fmt::format("{}: fit: {}: the name \"{}\" does not tell whether lower or higher values are "
                    "better; give .mode = MonitorMode::min or "
                    "MonitorMode::max",
                    model.name(), callback_, name_));
  return value;
}

bool Monitor::improves(double value, double best) const {
  if (std::isnan(value) || std::isnan(best)) return !std::isnan(value);
  return mode_ == MonitorMode::max ? value > best + min_delta_ : value < best - min_delta_;
}

}}  // namespace fovea
