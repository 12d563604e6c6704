// All that a training needs to go on as if it had never stopped, and its place in a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/optim/optimizer_state.hpp"
#include "fovea/train/callbacks.hpp"
#include "fovea/train/model.hpp"
#include "train/weights.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// What an input was built for.
struct InputState {
  Shape sample;
  bool ids = false;
};

/// Where a fit stands. `begun`: the epoch has begun, and its means so far are there.
struct FitPosition {
  Index epoch = 0, batch = 0;  // the next ones
  bool begun = false;
  Index samples = 0, batch_size = 0;  // of the fit
  bool shuffle = true;
  std::string order = {};  // of its batches, as a text
  std::vector<std::vector<double>> means = {};
  std::string data = {};  // checksum of the samples; empty: not known
};

/// Counts and the optimiser.
struct TrainingState {
  std::uint64_t seed = 0, steps = 0, epochs = 0;
  OptimizerState optimizer = {};
};

/// The state of a callback, under its name.
struct NamedState {
  std::string name;
  CallbackState state;
};

/// What compile was told, by name alone: for messages.
struct CompiledNames {
  std::vector<std::string> losses, metrics;  // of all outputs
};

struct ModelState {
  std::vector<InputState> inputs = {};
  std::uint64_t built_seed = 0;                // of the initial weights and the streams of dropout
  std::optional<TrainingState> training = {};  // none where the model was never trained
  std::optional<CompiledNames> compiled = {};  // none where it was not compiled
  History history = {};
  std::optional<FitPosition> position = {};  // none where no fit was running
  std::vector<NamedState> callbacks = {};
};

/// The metadata that has a state, and what user's texts begin with.
constexpr const char *state_name = "fovea.state", *text_prefix = "fovea.text.";

/// Adds a state to what is written.
void add_state(const ModelState& state, std::vector<SafetensorsTensor>& tensors,
               SafetensorsMetadata& metadata);

/// Reads a state. Throws FormatError, and ValueError for a file of weights alone.
ModelState read_state(const Source& source);

}}}  // namespace fovea::train
