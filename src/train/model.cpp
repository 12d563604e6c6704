// The calls of a model, each of which is one of the Trainer behind the model.
#include "fovea/train/model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

const std::vector<double>& History::operator[](std::string_view name) const& {
  const auto found = history.find(name);
  if (found == history.end()) {
    std::vector<std::string> names;
    for (const auto& entry : history) names.push_back(entry.first);
    throw IndexError(fmt::format("History: there is no \"{}\"; there {}", name,
                                 names.empty() ? "are none; call fit first"
                                               : fmt::format("are: {}", fmt::join(names, ", "))));
  }
  return found->second;
}

const Array& Predictions::operator[](std::size_t output) const& {
  if (output < arrays_.size()) return arrays_[output];
  throw IndexError(fmt::format("predict: there is no output {}; there are {}, counted from 0",
                               output, arrays_.size()));
}

const Array& Predictions::operator[](std::string_view output) const& {
  const auto found = std::ranges::find(names_, output);
  if (found != names_.end()) return arrays_[static_cast<std::size_t>(found - names_.begin())];
  throw IndexError(fmt::format("predict: there is no output \"{}\"; there are: {}", output,
                               fmt::join(names_, ", ")));
}

Predictions::operator Array() const {
  if (arrays_.size() == 1) return arrays_[0];
  throw StateError(fmt::format(
      "predict: the model has {} outputs, and one array is expected; name one: predict(x)[\"{}\"]",
      arrays_.size(), names_.empty() ? "" : names_[0]));
}

Model::Model(std::shared_ptr<Network> network)
    : trainer_(std::make_unique<Trainer>(std::move(network))) {
  if (trainer_->network->path().empty())
    trainer_->network->place(snake_case(trainer_->network->type()));
}

Model::~Model() = default;

Model::Model(Model&& other) {
  if (other.trainer_) other.trainer_->refuse_while_fit(other.network().type() + ": move");
  trainer_ = std::move(other.trainer_);
}

Model& Model::operator=(Model&& other) {
  if (trainer_) trainer_->refuse_while_fit(network().type() + ": assignment");
  if (other.trainer_) other.trainer_->refuse_while_fit(other.network().type() + ": move");
  trainer_ = std::move(other.trainer_);
  return *this;
}

Trainer& Model::trainer() const {
  if (!trainer_) throw StateError("Model: it was moved from; use the model that it was moved to");
  return *trainer_;
}

Network& Model::network() const { return *trainer().network; }

void Model::set_name(const std::string& name) { trainer().set_name(name); }

std::string Model::name() const { return network().path(); }

void Model::build(const SampleSet& x) {
  const CallName call{trainer().name(), "build"};
  trainer().build(call, trainer().inputs(call, x));
}

void Model::build_by(const std::vector<Shape>& samples,
                     const std::function<void(const Rng& random)>& build) {
  trainer().build(samples, build);
}

bool Model::built() const { return network().built(); }

std::vector<Tensor> Model::operator()(const SampleSet& x, const Context& context) const {
  return trainer().call(x, context);
}

void Model::compile(CompileOptions options) { trainer().compile(std::move(options)); }

History Model::fit(const SampleSet& x, const SampleSet& y, const FitOptions& options) {
  return trainer().fit(*this, x, y, options);
}

History Model::fit(const Dataset& data, const FitOptions& options) {
  return trainer().fit(*this, data, options);
}

History Model::fit(const GeneratedBatches& batches, const FitOptions& options) {
  return trainer().fit(*this, batches, options);
}

void Model::stop_training() { trainer().stop_training(); }

Logs Model::train_on_batch(const SampleSet& x, const SampleSet& y,
                           const std::vector<double>& sample_weight) {
  return trainer().train_on_batch(x, y, sample_weight);
}

Logs Model::evaluate(const SampleSet& x, const SampleSet& y, Index batch_size,
                     const std::vector<double>& sample_weight) const {
  return trainer().evaluate(x, y, batch_size, sample_weight);
}

Logs Model::evaluate(const Dataset& data, Index batch_size) const {
  return trainer().evaluate(data, batch_size);
}

Logs Model::evaluate(const GeneratedBatches& batches, Index steps) const {
  return trainer().evaluate(batches, steps);
}

namespace {

std::vector<std::string> names_of(const std::vector<Port>& ports) {
  std::vector<std::string> names;
  for (const Port& port : ports) names.push_back(port.name);
  return names;
}

}  // namespace

Predictions Model::predict(const SampleSet& x, Index batch_size) const {
  return {names_of(network().outputs()), trainer().predict(x, batch_size)};
}

Predictions Model::predict(const Dataset& data, Index batch_size) const {
  return {names_of(network().outputs()), trainer().predict(data, batch_size)};
}

Predictions Model::predict(const GeneratedBatches& batches, Index steps) const {
  return {names_of(network().outputs()), trainer().predict(batches, steps)};
}

AttentionWeights Model::attention(const SampleSet& x, const AttentionRequest& request) const {
  if (!built())
    throw StateError(fmt::format(
        "{}: attention: it is not built; call build with the shape of a sample, or fit", name()));
  const NoGrad no_grad;
  AttentionWeights weights;
  weights.request = request;
  trainer().call(x, Context{.weights = &weights});
  for (const std::string& layer : request.layers)
    if (std::ranges::none_of(weights, [&](const auto& found) {
          return AttentionRequest{.layers = {layer}}.asks(found.first);
        }))
      throw IndexError(fmt::format(
          "{}: attention: there is no attention layer at \"{}\"; paths are those of attention(x) "
          "without a request",
          name(), layer));
  return weights;
}

void Model::set_forward_hook(const std::string& path, ForwardHook hook) {
  trainer().set_hook(path, std::move(hook));
}

std::string Model::summary(Index width) const { return trainer().summary(width); }

Optimizer& Model::optimizer() & {
  if (!trainer().compiled)
    throw StateError(fmt::format("{}: it has no optimizer yet; call compile", name()));
  return trainer().optimizer();
}

void Model::save(const std::string& path, const SaveOptions& options) const {
  trainer().save(path, options);
}

void Model::load(const std::string& path, const ModelLoadOptions& options) {
  trainer().load(path, options);
}

void Model::save_weights(const std::string& path) const {
  trainer().finish_writing();
  fovea::save_weights(*this, path);
}

void Model::load_weights(const std::string& path, const LoadOptions& options) {
  trainer().finish_writing();
  fovea::load_weights(*this, path, options);
}

const History& Model::history() const& { return trainer().history; }

}}  // namespace fovea
