// A model as a file, and a file as the model that goes on.
#include "fovea/train/model_file.hpp"

#include <fmt/format.h>

#include "base/located.hpp"
#include "fovea/base/error.hpp"
#include "io/shown.hpp"
#include "train/feed.hpp"
#include "train/structure.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using train::FitPosition, train::ModelState, train::NamedState, train::Source, train::TrainingState;

namespace {

constexpr const char *save_call = "save", *load_call = "load";

std::vector<NamedParameter> parameters_of(const Network& network) {
  std::vector<NamedParameter> list;
  network.each([&](const std::string& path, const Tensor& tensor) {
    list.push_back({path, tensor});
  });
  return list;
}

// The second callback of a name is "name#2", and so on.
std::string numbered(const std::vector<NamedState>& before, const std::string& name) {
  std::string result = name;
  const auto taken = [&] {
    return std::ranges::find(before, result, &NamedState::name) != before.end();
  };
  for (int number = 2; taken(); ++number) result = fmt::format("{}#{}", name, number);
  return result;
}

// Zeros that an input accepts: networks are built by being called.
Signal zeros(const Port& port, const train::InputState& input) {
  const Shape shape = input.sample.inserted(0, 1);
  if (port.takes_ids && (input.ids || !port.takes_array))
    return {Ids(shape, std::vector<std::int32_t>(static_cast<std::size_t>(shape.count()), 0))};
  return {Tensor(Array::zeros(shape))};
}

}  // namespace

ModelState Trainer::state() const {
  ModelState state;
  for (std::size_t i = 0; i < samples_.size(); ++i)
    state.inputs.push_back({samples_[i], i < takes_ids_.size() && takes_ids_[i]});
  state.built_seed = built_seed_;
  state.compiled = compiled_names();
  state.history = history;
  if (before_compile_) state.training = before_compile_;
  if (compiled && steps_ > 0 && is_attached() && compiled->optimizer.attachments() == attached_)
    state.training = TrainingState{compiled->seed, steps_, epochs_, optimizer().state()};
  if (position_ && state.training) {
    add_position(state);
    state.position->data = feed_->checksum();
    if (state.position->begun) --state.training->epochs;  // begins again when fit goes on
  } else if (resume_) {
    state.position = resume_->position;
    state.callbacks = resume_->callbacks;
  }
  return state;
}

// The names of losses and metrics: those of compile, or of the file that was loaded before it.
std::optional<train::CompiledNames> Trainer::compiled_names() const {
  if (!compiled) return loaded_names_;
  train::CompiledNames names;
  for (const OutputOptions& output : compiled->outputs) {
    names.losses.push_back(output.loss.name());
    for (const auto* metrics : {&output.metrics, &output.weighted_metrics})
      for (const Metric& metric : *metrics) names.metrics.push_back(metric.name());
  }
  return names;
}

// Adds where the fit stands that runs. Behind an epoch that was cut short that is the batch at
// which it was: what callbacks have seen since is not part of it, but for those that save.
void Trainer::add_position(ModelState& state) const {
  state.position = cut_ ? cut_->position : position_;
  if (cut_) state.history = cut_->history;
  if (means_) state.position->means = means_->values();
  if (!state.position->begun) state.position->batch = 0;
  for (const Callback* callback : *callbacks_) {
    const std::string name = callback->state_name();
    if (name.empty()) continue;
    const std::size_t i = state.callbacks.size();
    state.callbacks.push_back({numbered(state.callbacks, name), cut_ && callback->turn() == 0
                                                                    ? cut_->callbacks[i].state
                                                                    : callback->state()});
  }
}

// The layers, or why there are none in the file.
std::string Trainer::structure(bool needed) const {
  const auto* const chain = dynamic_cast<const ChainNetwork*>(network.get());
  try {
    if (chain) return train::structure_of(chain->chain());
    throw ValueError(fmt::format("{}: it is a module of one's own, {}", name(), network->type()));
  } catch (const ValueError& error) {
    if (needed) throw ValueError(fmt::format("{}: save: {}", name(), error.what()));
    return train::no_structure(error.what());
  }
}

Trainer::Write Trainer::saving(const SaveOptions& options) const {
  const CallName call{name(), save_call};
  check_built(call);
  std::vector<SafetensorsTensor> tensors =
      train::weight_tensors(save_call, parameters_of(*network));
  SafetensorsMetadata metadata = {{train::version_name, fmt::to_string(train::file_version)}};
  located([&] { return call.text(); }, [&] { add_state(state(), tensors, metadata); });
  metadata[train::structure_name] = structure(options.standalone);
  for (const auto& [name, text] : options.texts) metadata[train::text_prefix + name] = text;
  return [tensors = std::move(tensors), metadata = std::move(metadata)](const std::string& path) {
    write_safetensors(path, tensors, metadata);
  };
}

Trainer::Write Trainer::saving_weights() const {
  return [tensors = train::weight_tensors("save_weights", parameters_of(*network))](
             const std::string& path) { train::write_weights(path, tensors); };
}

void Trainer::save(const std::string& path, const SaveOptions& options) const {
  finish_writing();
  saving(options)(path);
}

void Trainer::write(const Callback& owner, std::function<void()> job) {
  auto named = [where = fmt::format("{}: fit: {}", name(), owner.state_name()),
                job = std::move(job)] { located(where, job); };
  writer_ ? writer_->add(&owner, std::move(named)) : named();
}

void Trainer::finish_writing() const {
  if (writer_) writer_->finish();
}

void Trainer::check_metrics_are_saved(const char* callback) const {
  for (const OutputOptions& output : compiled->outputs)
    for (const auto* metrics : {&output.metrics, &output.weighted_metrics})
      for (const Metric& metric : *metrics)
        if (!metric.is_saved())
          throw StateError(fmt::format(
              "{}: fit: {} saves within an epoch, and the State of the metric {} cannot be saved; "
              "give it std::vector<double> values() const and void "
              "set_values(std::span<const double>)",
              name(), callback, metric.name()));
}

void Trainer::check_seed(const char* call, std::uint64_t seed, std::uint64_t saved) const {
  if (seed != saved)
    throw StateError(fmt::format(
        "{}: {}: the seed is {}, that of the file is {}; compile with .seed = {}, or take the "
        "weights alone by load_weights",
        name(), call, seed, saved, saved));
}

void Trainer::build_as(const ModelState& state) {
  const std::vector<Port>& ports = network->inputs();
  if (state.inputs.size() != ports.size())
    throw ValueError(fmt::format("{}: load: the file is of a model with {} inputs, this has {}",
                                 name(), state.inputs.size(), ports.size()));
  std::vector<Shape> samples;
  takes_ids_.clear();
  for (const train::InputState& input : state.inputs) {
    samples.push_back(input.sample);
    takes_ids_.push_back(input.ids);
  }
  const auto make = [&](const Rng& random) {
    if (auto* const chain = dynamic_cast<ChainNetwork*>(network.get()))
      return chain->build(samples[0], random);
    Signals one;
    for (std::size_t i = 0; i < ports.size(); ++i) one.push_back(zeros(ports[i], state.inputs[i]));
    network->build(one, random);
  };
  build(samples, make, state.built_seed);
}

// Sets counts and optimiser. Throws before anything is set.
void Trainer::take(const TrainingState& training) {
  if (steps_ == 0 || !is_attached() || compiled->optimizer.attachments() != attached_)
    attach_optimizer();
  located(name(), [&] { optimizer().load_state(training.optimizer); });
  steps_ = training.steps;
  epochs_ = training.epochs;
  drawn_.reset();
}

void Trainer::load(const std::string& path, const ModelLoadOptions& options, bool in_fit) {
  const CallName call{name(), load_call};
  if (!in_fit) refuse_while_fit(call.text());
  const SafetensorsFile file(path);
  const Source source{load_call, path, file};
  train::check_version(source);
  ModelState state = read_state(source);
  if (state.training && compiled) check_seed(load_call, compiled->seed, state.training->seed);
  if (!network->built()) build_as(state);
  if (state.training && built_seed_ != state.built_seed)
    throw StateError(fmt::format(
        "{}: it was built with seed {}, the model of the file with {}; compile with that seed "
        "before it is built, or take the weights alone by load_weights",
        call.text(), built_seed_, state.built_seed));
  train::NewWeights weights(source, parameters_of(*network), {});
  weights.prepare();
  History saved = state.history;
  std::optional<TrainingState> waiting;
  if (!compiled) waiting = state.training;
  if (state.training && compiled) take(*state.training);
  weights.prepare();  // the optimiser may have moved them
  weights.assign();   // from here on nothing throws
  if (waiting) drawn_.reset();
  before_compile_ = std::move(waiting);
  if (!compiled) loaded_names_ = std::move(state.compiled);
  history = std::move(saved);
  resume_.reset();
  if (options.resume && state.position) resume_ = std::move(state);
}

bool Trainer::is_complete() const {
  return position_ && ((position_->epoch >= last_epoch_ && !is_cut_short()) ||
                       std::ranges::any_of(*callbacks_, [](const Callback* callback) {
                         return callback->has_ended();
                       }));
}

// Throws unless the fit that begins has the samples and batches of one that was saved.
void Trainer::check_goes_on(const FitPosition& saved) const {
  const FitPosition& here = *position_;
  if (saved.samples != here.samples || saved.batch_size != here.batch_size ||
      saved.shuffle != here.shuffle || saved.order != here.order)
    throw StateError(fmt::format(
        "{}: fit: the file that was loaded was saved in a fit of {} samples with batch_size {}, "
        "shuffle {} and {}; this one has {}, {}, {} and {}; give the same, or load with "
        ".resume = false to begin anew",
        name(), saved.samples, saved.batch_size, saved.shuffle, saved.order, here.samples,
        here.batch_size, here.shuffle, here.order));
  if (!saved.data.empty() && saved.data != feed_->checksum())
    throw StateError(fmt::format(
        "{}: fit: the file that was loaded was saved in a fit of other samples, as many as these: "
        "their checksum is {}, that of these {}; give the same samples, targets and weights, in "
        "the same order and form (arrays or a dataset), or begin anew: load it with .resume = "
        "false, and where BackupAndRestore loaded it, remove its backups",
        name(), io::shown(saved.data), feed_->checksum()));
}

// Returns the epoch in which fit begins. Takes up the fit of a file, if one was loaded.
Index Trainer::take_up(const std::vector<Callback*>& callbacks) {
  if (!resume_) return 0;
  const FitPosition& saved = *resume_->position;
  check_goes_on(saved);
  if (saved.begun) located(name(), [&] { Means(compiled->outputs).set_values(saved.means); });
  std::vector<NamedState> seen;
  for (Callback* callback : callbacks) {
    const std::string name = callback->state_name();
    if (name.empty()) continue;
    seen.push_back({numbered(seen, name), {}});
    const auto found = std::ranges::find(resume_->callbacks, seen.back().name, &NamedState::name);
    if (found != resume_->callbacks.end()) callback->load_state(found->state);
  }
  position_ = saved;
  resume_.reset();
  return is_complete() ? last_epoch_ : position_->epoch;
}

// Returns the batch with which an epoch begins.
Index Trainer::begin_epoch(Means& means) {
  means_ = &means;
  if (position_->begun)
    means.set_values(position_->means);
  else
    position_->batch = 0;
  position_->begun = true;
  position_->means.clear();
  return position_->batch;
}

SavedTexts saved_texts(const std::string& path) {
  const std::string prefix = train::text_prefix;
  const SafetensorsFile file(path);
  train::check_version({"saved_texts", path, file});
  SavedTexts texts;
  for (const auto& [name, text] : file.metadata())
    if (name.starts_with(prefix)) texts.emplace(name.substr(prefix.size()), text);
  return texts;
}

}}  // namespace fovea
