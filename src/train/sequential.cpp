// The chain itself: names, building, calling, and what can be asked of it. The loop is in fit.cpp.
#include "fovea/train/sequential.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/in_layer.hpp"
#include "train/summary_table.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// ASCII's letters: those of <cctype> follow the process's locale, where a Turkish I has no i.
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
char lowered(char c) { return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// "AttentionLayer" as "attention_layer", "RMSNorm" as "rms_norm", "Conv1D" as "conv1d": a word
// begins with a capital that a small letter is before, or one behind.
std::string snake_case(const std::string& type) {
  std::string name;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char before = i > 0 ? type[i - 1] : '\0',
               behind = i + 1 < type.size() ? type[i + 1] : '\0';
    if (is_capital(type[i]) && (is_small(before) || (is_capital(before) && is_small(behind))))
      name += '_';
    name += lowered(type[i]);
  }
  return name;
}

// Runs `call`, and puts a path in front of any error that comes out of it.
template <class Call>
auto located(const std::string& model, const std::string& layer, const Call& call) {
  try {
    return call();
  } catch (Error& error) {
    error.add_path(layer);
    error.add_path(model);
    throw;
  }
}

}  // namespace

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

void FitRuns::refuse(const std::string& call) const {
  if (now_) throw StateError(fmt::format("{}: fit is running; wait until it returns", call));
}

void Sequential::add(Layer layer) {
  if (built())
    throw StateError(
        fmt::format("{}: a layer is added to a model that is built; add all layers first", name_));
  if (std::ranges::find(names_, layer.name()) != names_.end())
    throw ValueError(fmt::format("{}: two layers are named \"{}\"; give each a name of its own",
                                 name_, layer.name()));
  std::string name = layer.name().empty() ? snake_case(layer.type()) : layer.name();
  const std::string stem = name;
  for (int number = 1; std::ranges::find(names_, name) != names_.end(); ++number)
    name = fmt::format("{}_{}", stem, number);
  paths_.push_back(LayerCall::intern(fmt::format("{}/{}", name_, name)));
  names_.push_back(std::move(name));
  layers_.push_back(std::move(layer));
}

void Sequential::set_name(std::string name) {
  if (name.empty()) throw ValueError("Sequential: the name is empty");
  if (hooks_)
    throw StateError(fmt::format(
        "{}: set_name: it has forward hooks, by paths that begin with its name; name it first",
        name_));
  name_ = LayerCall::intern(name);
  for (std::size_t i = 0; i < names_.size(); ++i)
    paths_[i] = LayerCall::intern(name + "/" + names_[i]);
  name_parameters();
}

// Messages and graphs call parameters by their path.
void Sequential::name_parameters() {
  for_each_parameter(*this, [&](const std::string& path, Tensor& tensor) {
    if (tensor.node()) tensor.node()->layer = LayerCall::intern(fmt::format("{}/{}", name_, path));
  });
}

void Sequential::build(const Shape& sample) {
  if (layers_.empty())
    throw StateError(fmt::format("{}: there are no layers to build; add some", name_));
  if (built() && sample == input_) return;
  fit_runs_.refuse(fmt::format("{}: build", name_));
  const Rng random = Rng(compiled_ ? compiled_->seed : 0).split("initial weights");
  std::vector<Shape> outputs;
  std::vector<bool> had_parameters;
  for (const Layer& layer : layers_) had_parameters.push_back(layer.count() > 0);
  Shape shape = sample;
  try {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      shape = located(name_, names_[i],
                      [&] { return layers_[i].build(shape, random.split(names_[i])); });
      outputs.push_back(shape);
    }
  } catch (...) {  // nothing was built: the next call may come with another shape
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (!had_parameters[i])
        layers_[i].for_each([](const ParameterPath&, Tensor& tensor) { tensor = Tensor(); });
    throw;
  }
  name_parameters();
  if (!built()) drawn_ = compiled_ ? compiled_->seed : 0;
  outputs_ = std::move(outputs);
  input_ = sample;
}

Signal Sequential::signal(const Samples& x) {
  return x.is_ids() ? Signal{x.ids(), {}} : Signal{Tensor(x.array()), {}};
}

Signal Sequential::forward(Signal signal, const Context& context, bool for_logits) const {
  Context own = context;
  if (hooks_) own.hooks = hooks_;
  const std::size_t without_activation = for_logits ? last_layer() : layers_.size();
  for (std::size_t i = 0; i < layers_.size(); ++i)
    signal = LayerCall::run(own, paths_[i], [&](const Context& inside) {
      const bool logits = i == without_activation;
      Signal output =
          logits ? layers_[i].call_for_logits(signal, inside) : layers_[i].call(signal, inside);
      if (Tensor* const tensor = std::get_if<Tensor>(&output.value))
        *tensor = LayerCall::hooked(inside, std::move(*tensor));
      return output;
    });
  return signal;
}

Tensor Sequential::operator()(const Samples& x, const Context& context) const {
  if (!built())
    throw StateError(
        fmt::format("{}: it is not built; call build with the shape of a sample, or fit", name_));
  const Signal output = forward(signal(x), context, false);
  return std::get<Tensor>(output.value);
}

// The last one that computes something: what is behind it passes its result on.
std::size_t Sequential::last_layer() const {
  std::size_t last = layers_.size() - 1;
  while (last > 0 && layers_[last].as<DropMask>()) --last;
  return last;
}

std::optional<Mask> Sequential::final_mask(const Samples& x) const {
  std::optional<Mask> mask;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    mask = located(name_, names_[i], [&] {
      return layers_[i].mask(mask, i == 0 && x.is_ids() ? &x.ids() : nullptr);
    });
  return mask;
}

AttentionWeights Sequential::attention(const Samples& x) const {
  if (!built())
    throw StateError(fmt::format(
        "{}: attention: it is not built; call build with the shape of a sample, or fit", name_));
  const NoGrad no_grad;
  AttentionWeights weights;
  (*this)(x, Context{.weights = &weights});
  return weights;
}

void Sequential::set_forward_hook(const std::string& path, ForwardHook hook) {
  const bool known = std::ranges::any_of(paths_, [&](std::string_view layer) {
    return path.starts_with(layer) && (path.size() == layer.size() || path[layer.size()] == '/');
  });
  if (!known)
    throw IndexError(fmt::format("{}: there is no layer \"{}\"; there are: {}", name_, path,
                                 fmt::join(paths_, ", ")));
  ForwardHooks hooks = hooks_ ? *hooks_ : ForwardHooks();
  if (hook)
    hooks.insert_or_assign(path, std::move(hook));
  else
    hooks.erase(path);
  hooks_ =
      hooks.empty()
          ? nullptr
          : std::make_shared<const ForwardHooks>(std::move(hooks));  // graphs may hold the old ones
}

std::string Sequential::summary(Index width) const {
  if (!built())
    throw StateError(
        fmt::format("{}: it has no parameters yet; call build with the shape of a sample, or fit, "
                    "before summary",
                    name_));
  std::vector<train::SummaryRow> rows;
  train::SummaryTotals totals;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    rows.push_back({names_[i], layers_[i].type(),
                    fmt::format("(None{}{})", outputs_[i].rank() > 0 ? ", " : "",
                                fmt::join(outputs_[i].sizes(), ", ")),
                    layers_[i].count()});
  for (const NamedParameter& parameter : parameters_of(*this))
    (parameter.tensor.requires_grad() ? totals.trainable : totals.non_trainable) +=
        parameter.tensor.shape().count();
  if (compiled_) totals.optimizer = compiled_->optimizer.slot_elements();
  return train::summary_table(name_, rows, totals, width);
}

Optimizer& Sequential::optimizer() & {
  if (!compiled_) throw StateError(fmt::format("{}: it has no optimizer yet; call compile", name_));
  return compiled_->optimizer;
}

void Sequential::compile(CompileOptions options) {
  if (!options.loss)
    throw ValueError(
        fmt::format("{}: compile: there is no loss; give one, such as .loss = "
                    "SparseCategoricalCrossentropy{{}}",
                    name_));
  std::vector<std::string> names = {"loss"};
  for (const Metric& metric : options.metrics) {
    if (std::ranges::find(names, metric.name()) != names.end())
      throw ValueError(
          fmt::format("{}: compile: two values of the logs would be called \"{}\"; give each "
                      "metric a name of its own, other than \"loss\"",
                      name_, metric.name()));
    names.push_back(metric.name());
  }
  for (std::size_t i = 0; i < layers_.size(); ++i)
    located(name_, names_[i], [&] { layers_[i].check_options(); });
  fit_runs_.refuse(fmt::format("{}: compile", name_));
  if (drawn_ && *drawn_ != options.seed)
    throw StateError(
        fmt::format("{}: compile: the seed is {}, but the model is built, and its initial weights "
                    "were drawn with seed {}; compile before build, or give that seed",
                    name_, options.seed, *drawn_));
  compiled_ = std::make_unique<CompileOptions>(std::move(options));
  steps_ = 0;
  epochs_ = 0;
}

}}  // namespace fovea
