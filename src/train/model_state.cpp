// Numbers stand in tensors, where each keeps its bits; JSON has counts and names.
#include "train/model_state.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/shown.hpp"
#include "train/json_part.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

namespace {

constexpr const char *optimizer_prefix = "fovea.optimizer/", *rate_name = "fovea.learning_rate",
                     *history_prefix = "fovea.history/", *history_epochs = "fovea.history_epochs",
                     *means_prefix = "fovea.means/", *callback_prefix = "fovea.callback/";

// A module may be called with a sample of zeros when it is built.
constexpr Index largest_sample = Index(1) << 28;

SafetensorsTensor doubles(std::string name, std::span<const double> values) {
  StoredTensor stored{"F64", Shape{static_cast<Index>(values.size())}, {}};
  stored.bytes.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(stored.bytes.data(), values.data(), values.size_bytes());
  return {std::move(name), std::move(stored)};
}

Json json_of(const std::vector<InputState>& inputs) {
  Json::List list;
  for (const InputState& input : inputs)
    list.push_back(Json::Members{
        {"shape", std::vector<Index>(input.sample.sizes().begin(), input.sample.sizes().end())},
        {"ids", input.ids}});
  return list;
}

Json json_of(const TrainingState& training, std::vector<SafetensorsTensor>& tensors) {
  for (const auto& [name, array] : training.optimizer.arrays)
    tensors.push_back({optimizer_prefix + name, array});
  if (const auto& rate = training.optimizer.learning_rate)
    tensors.push_back(doubles(rate_name, std::span(&*rate, 1)));
  Json::Members counters;
  for (const auto& [name, count] : training.optimizer.counters) counters[name] = count;
  return Json::Members{{"seed", training.seed},
                       {"steps", training.steps},
                       {"epochs", training.epochs},
                       {"optimizer", training.optimizer.optimizer},
                       {"counters", counters}};
}

Json json_of(const History& history, std::vector<SafetensorsTensor>& tensors) {
  for (const auto& [name, values] : history.history)
    tensors.push_back(doubles(history_prefix + name, values));
  const std::vector<double> epochs(history.epoch.begin(), history.epoch.end());
  tensors.push_back(doubles(history_epochs, epochs));
  return Json(history.epoch.size());
}

Json json_of(const FitPosition& position, std::vector<SafetensorsTensor>& tensors) {
  for (std::size_t i = 0; i < position.means.size(); ++i)
    tensors.push_back(doubles(means_prefix + fmt::to_string(i), position.means[i]));
  return Json::Members{{"epoch", position.epoch},
                       {"batch", position.batch},
                       {"begun", position.begun},
                       {"samples", position.samples},
                       {"batch_size", position.batch_size},
                       {"shuffle", position.shuffle},
                       {"order", position.order},
                       {"means", position.means.size()},
                       {"data", position.data}};
}

Json json_of(const std::vector<NamedState>& callbacks, std::vector<SafetensorsTensor>& tensors) {
  Json::List list;
  for (std::size_t i = 0; i < callbacks.size(); ++i) {
    const std::string prefix = fmt::format("{}{}/", callback_prefix, i);
    Json::List numbers, arrays;
    std::vector<double> values;
    for (const auto& [name, value] : callbacks[i].state.numbers) {
      numbers.push_back(name);
      values.push_back(value);
    }
    if (!values.empty()) tensors.push_back(doubles(prefix + "numbers", values));
    for (const auto& [name, array] : callbacks[i].state.arrays) {
      tensors.push_back({fmt::format("{}arrays/{}", prefix, arrays.size()), array});
      arrays.push_back(name);
    }
    list.push_back(
        Json::Members{{"name", callbacks[i].name}, {"numbers", numbers}, {"arrays", arrays}});
  }
  return list;
}

Json json_of(const CompiledNames& compiled) {
  return Json::Members{{"losses", compiled.losses}, {"metrics", compiled.metrics}};
}

std::vector<double> doubles_of(const Source& source, const std::string& name) {
  if (!source.file.contains(name))
    throw FormatError(source.path, 0, fmt::format("there is no tensor \"{}\"", io::shown(name)));
  const StoredTensor stored = source.file.stored(name);
  if (stored.dtype != "F64" || stored.shape.rank() != 1)
    throw FormatError(source.path, 0,
                      fmt::format("tensor \"{}\" must be F64 with one axis; it is {} {}",
                                  io::shown(name), stored.dtype, to_string(stored.shape)));
  std::vector<double> values(stored.bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), stored.bytes.data(), stored.bytes.size());
  return values;
}

Array array_of(const Source& source, const std::string& name) {
  if (!source.file.contains(name))
    throw FormatError(source.path, 0, fmt::format("there is no tensor \"{}\"", io::shown(name)));
  return source.file.array(name);
}

Shape shape_of(const JsonPart& part) {
  std::vector<Index> sizes;
  for (const JsonPart& size : part.items(Shape::max_rank)) sizes.push_back(size.whole());
  try {
    if (const Shape shape(sizes); shape.count() <= largest_sample) return shape;
  } catch (const Error&) {
    part.refuse("a shape");
  }
  part.refuse(fmt::format("a shape of at most {} elements", largest_sample));
}

std::vector<InputState> inputs_of(const JsonPart& part) {
  std::vector<InputState> inputs;
  for (const JsonPart& each : part.items())
    inputs.push_back({shape_of(each["shape"]), each["ids"].flag()});
  return inputs;
}

TrainingState training_of(const Source& source, const JsonPart& part) {
  TrainingState training{part["seed"].seed(), part["steps"].seed(), part["epochs"].seed()};
  training.optimizer.optimizer = part["optimizer"].text();
  const JsonPart counters = part["counters"];
  for (const std::string& name : counters.members())
    training.optimizer.counters.emplace(name, counters[name].whole());
  const std::string prefix = optimizer_prefix;
  for (const std::string& name : source.file.names())
    if (name.starts_with(prefix))
      training.optimizer.arrays.emplace(name.substr(prefix.size()), source.file.array(name));
  if (source.file.contains(rate_name)) {
    const std::vector<double> rate = doubles_of(source, rate_name);
    if (rate.size() != 1) part.refuse("one learning rate");
    training.optimizer.learning_rate = rate[0];
  }
  return training;
}

CompiledNames compiled_of(const JsonPart& part) {
  CompiledNames compiled;
  for (const JsonPart& each : part["losses"].items(1000)) compiled.losses.push_back(each.text());
  for (const JsonPart& each : part["metrics"].items(1000)) compiled.metrics.push_back(each.text());
  return compiled;
}

History history_of(const Source& source, const JsonPart& part) {
  History history;
  const std::vector<double> epochs = doubles_of(source, history_epochs);
  if (static_cast<Index>(epochs.size()) != part.whole())
    part.refuse(fmt::format("{}, as many epochs as there are", epochs.size()));
  for (const double epoch : epochs) {
    if (!(epoch >= 0 && epoch < 0x1p53 && epoch == std::floor(epoch)))
      throw FormatError(source.path, 0,
                        fmt::format("{}: expected whole numbers, got {}", history_epochs, epoch));
    history.epoch.push_back(static_cast<Index>(epoch));
  }
  const std::string prefix = history_prefix;
  for (const std::string& name : source.file.names())
    if (name.starts_with(prefix))
      history.history.emplace(name.substr(prefix.size()), doubles_of(source, name));
  return history;
}

FitPosition position_of(const Source& source, const JsonPart& part) {
  FitPosition position{part["epoch"].whole(),       part["batch"].whole(),
                       part["begun"].flag(),        part["samples"].whole(1),
                       part["batch_size"].whole(1), part["shuffle"].flag(),
                       part["order"].text()};
  const Index means = part["means"].whole();
  if (means > static_cast<Index>(source.file.names().size())) part["means"].refuse("fewer");
  for (Index i = 0; i < means; ++i)
    position.means.push_back(doubles_of(source, means_prefix + fmt::to_string(i)));
  if (const auto data = part.find("data")) position.data = data->text();
  if (position.batch > position.samples) part["batch"].refuse("a batch of the epoch");
  return position;
}

std::vector<NamedState> callbacks_of(const Source& source, const JsonPart& part) {
  std::vector<NamedState> callbacks;
  for (const JsonPart& each : part.items()) {
    const std::string prefix = fmt::format("{}{}/", callback_prefix, callbacks.size());
    NamedState named{each["name"].text(), {}};
    const std::vector<JsonPart> numbers = each["numbers"].items(), arrays = each["arrays"].items();
    const std::vector<double> values =
        numbers.empty() ? std::vector<double>() : doubles_of(source, prefix + "numbers");
    if (values.size() != numbers.size()) each["numbers"].refuse("a name for each number");
    for (std::size_t i = 0; i < values.size(); ++i)
      named.state.numbers.emplace(numbers[i].text(), values[i]);
    for (std::size_t i = 0; i < arrays.size(); ++i)
      named.state.arrays.emplace(arrays[i].text(),
                                 array_of(source, fmt::format("{}arrays/{}", prefix, i)));
    callbacks.push_back(std::move(named));
  }
  return callbacks;
}

}  // namespace

void add_state(const ModelState& state, std::vector<SafetensorsTensor>& tensors,
               SafetensorsMetadata& metadata) {
  Json::Members json = {{"inputs", json_of(state.inputs)},
                        {"built_seed", state.built_seed},
                        {"history", json_of(state.history, tensors)}};
  if (state.compiled) json["compiled"] = json_of(*state.compiled);
  if (state.training) json["training"] = json_of(*state.training, tensors);
  if (state.position) json["position"] = json_of(*state.position, tensors);
  if (!state.callbacks.empty()) json["callbacks"] = json_of(state.callbacks, tensors);
  metadata[state_name] = Json(std::move(json)).dump();
}

ModelState read_state(const Source& source) {
  const auto found = source.file.metadata().find(state_name);
  if (found == source.file.metadata().end())
    throw ValueError(
        fmt::format("{}: {} holds no state of a model; load_weights reads weights alone",
                    source.call, source.path));
  const Json json = parsed(source.path, state_name, found->second);
  const JsonPart part(source.path, state_name, json);
  part.allow_only(
      {"inputs", "built_seed", "history", "compiled", "training", "position", "callbacks"});
  ModelState state;
  state.inputs = inputs_of(part["inputs"]);
  state.built_seed = part["built_seed"].seed();
  state.history = history_of(source, part["history"]);
  if (const auto compiled = part.find("compiled")) state.compiled = compiled_of(*compiled);
  if (const auto training = part.find("training")) state.training = training_of(source, *training);
  if (const auto position = part.find("position")) state.position = position_of(source, *position);
  if (const auto callbacks = part.find("callbacks"))
    state.callbacks = callbacks_of(source, *callbacks);
  return state;
}

}}}  // namespace fovea::train
