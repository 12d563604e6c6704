// What Keras 3.15 does with random values: its EarlyStopping and ReduceLROnPlateau, called epoch by
// epoch. tests/golden/callbacks/make.py made the file.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"

namespace keras_runs {

using fovea::Index;
using fovea::MonitorMode;
using Json = nlohmann::json;

struct Stopping {
  MonitorMode mode;
  double min_delta;
  Index patience;
  std::optional<double> baseline;
  Index start_from_epoch, stopped;  // -1: not at all
  Index restored;                   // the epoch whose weights the model had in the end
  std::vector<double> values;
};

// SGD with a rate of 1 in the beginning.
struct Plateau {
  MonitorMode mode;
  double min_delta;
  Index patience;
  double factor;
  Index cooldown;
  double min_lr;
  std::vector<double> values, rates;  // the rate after each epoch
};

inline Json read(const char* callback) {
  std::ifstream file(std::string(FOVEA_GOLDEN_DIR) + "/callbacks/keras_callbacks.json");
  if (!file) throw std::runtime_error("no file keras_callbacks.json");
  return Json::parse(file)[callback];
}

inline MonitorMode mode_of(const Json& run) {
  return run["mode"] == "min" ? MonitorMode::min : MonitorMode::max;
}

inline const std::vector<Stopping> stopping = [] {
  std::vector<Stopping> runs;
  for (const Json& run : read("EarlyStopping")) {
    std::optional<double> baseline;
    if (!run["baseline"].is_null()) baseline = run["baseline"];
    runs.push_back({mode_of(run), run["min_delta"], run["patience"], baseline,
                    run["start_from_epoch"], run["stopped"], run["restored"], run["values"]});
  }
  return runs;
}();

inline const std::vector<Plateau> plateau = [] {
  std::vector<Plateau> runs;
  for (const Json& run : read("ReduceLROnPlateau"))
    runs.push_back({mode_of(run), run["min_delta"], run["patience"], run["factor"], run["cooldown"],
                    run["min_lr"], run["values"], run["rates"]});
  return runs;
}();

}  // namespace keras_runs
