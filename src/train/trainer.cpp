// The calls of a model before and after training. The training loop is in fit.cpp.
#include "train/trainer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/located.hpp"
#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/in_layer.hpp"
#include "io/shown.hpp"
#include "nn/masked.hpp"
#include "train/summary_table.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void Trainer::refuse_while_fit(const std::string& call) const {
  if (fit_runs_) throw StateError(fmt::format("{}: fit is running; wait until it returns", call));
}

void Trainer::set_name(const std::string& name) {
  if (name.empty()) throw ValueError(fmt::format("{}: the name is empty", network->type()));
  if (hooks_)
    throw StateError(
        fmt::format("{}: set_name: it has forward hooks, by paths that begin with its name; name "
                    "it first",
                    this->name()));
  network->place(name);
  name_parameters();
}

// Gives the parameters their paths, for messages and graphs.
void Trainer::name_parameters() const {
  network->each([&](const std::string& path, Tensor& tensor) {
    if (tensor.node()) tensor.node()->layer = LayerCall::intern(fmt::format("{}/{}", name(), path));
  });
}

void Trainer::set_hook(const std::string& path, ForwardHook hook) {
  std::vector<std::string> paths;
  for (const Network::Part& part : network->parts())
    paths.push_back(fmt::format("{}/{}", name(), part.name));
  const bool known = std::ranges::any_of(paths, [&](std::string_view layer) {
    return path.starts_with(layer) && (path.size() == layer.size() || path[layer.size()] == '/');
  });
  if (!known)
    throw IndexError(fmt::format("{}: there is no layer \"{}\"; there are: {}", name(), path,
                                 fmt::join(paths, ", ")));
  ForwardHooks hooks = hooks_ ? *hooks_ : ForwardHooks();
  if (hook)
    hooks.insert_or_assign(path, std::move(hook));
  else
    hooks.erase(path);
  // A new object, since graphs may hold the old hooks.
  hooks_ = hooks.empty() ? nullptr : std::make_shared<const ForwardHooks>(std::move(hooks));
}

void Trainer::build(const std::vector<Shape>& samples,
                    const std::function<void(const Rng& random)>& build,
                    std::optional<std::uint64_t> given) {
  const bool was_built = network->built();
  if (was_built && samples == samples_) return;
  refuse_while_fit(fmt::format("{}: build", name()));
  const std::uint64_t seed = given.value_or(compiled ? compiled->seed : 0);
  try {
    build(Rng(seed).split("initial weights"));
  } catch (Error& error) {
    if (!error.path().starts_with(name())) error.add_path(name());
    throw;
  }
  name_parameters();
  if (!was_built) drawn_ = built_seed_ = seed;
  samples_ = samples;
}

bool Trainer::are_those_it_was_built_for(const SampleSet& x) const {
  bool same = samples_.size() == x.size();
  for (std::size_t i = 0; same && i < x.size(); ++i)
    same = x[i].samples.shape().without(0) == samples_[i];
  return same;
}

void Trainer::build(const CallName& call, const SampleSet& x) {
  if (network->built() && are_those_it_was_built_for(x)) return;
  std::vector<Shape> samples;
  for (std::size_t i = 0; i < x.size(); ++i) samples.push_back(x[i].samples.shape().without(0));
  if (x.count() == 0)
    throw ValueError(fmt::format("{}: there are no samples to build for", call.text()));
  build(samples, [&](const Rng& random) { network->build(signals(x.rows(0, 1)), random); });
  takes_ids_.clear();
  for (std::size_t i = 0; i < x.size(); ++i) takes_ids_.push_back(x[i].samples.is_ids());
}

namespace {

std::string names_of(const std::vector<Port>& ports) {
  std::string names;
  for (const Port& port : ports) names += (names.empty() ? "" : ", ") + port.name;
  return names;
}

std::string names_of(const SampleSet& given) {
  memory::List<std::string_view> names;
  for (std::size_t i = 0; i < given.size(); ++i) names.push_back(given[i].name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// Returns the options of every output, in the module's order.
std::vector<OutputOptions> outputs_in_order(const std::string& name, const std::vector<Port>& ports,
                                            CompileOptions& options) {
  if (options.outputs.empty()) {
    if (ports.size() > 1)
      throw ValueError(
          fmt::format("{}: compile: the module has {} outputs; give .outputs, with a loss for each",
                      name, ports.size()));
    return {{.name = ports[0].name,
             .loss = options.loss,
             .metrics = options.metrics,
             .weighted_metrics = options.weighted_metrics}};
  }
  if (options.loss || !options.metrics.empty() || !options.weighted_metrics.empty())
    throw ValueError(fmt::format(
        "{}: compile: both outputs and loss or metrics are given; give the losses and metrics of "
        "outputs there",
        name));
  if (options.outputs.size() != ports.size())
    throw ValueError(fmt::format("{}: compile: expected options for {} outputs, got {}", name,
                                 ports.size(), options.outputs.size()));
  std::vector<OutputOptions> result(ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    OutputOptions& each = options.outputs[i];
    const auto found = each.name.empty() ? ports.begin() + static_cast<std::ptrdiff_t>(i)
                                         : std::ranges::find(ports, each.name, &Port::name);
    if (found == ports.end())
      throw ValueError(fmt::format("{}: compile: there is no output \"{}\"; there are: {}", name,
                                   each.name, names_of(ports)));
    OutputOptions& own = result[static_cast<std::size_t>(found - ports.begin())];
    if (!own.name.empty())
      throw ValueError(fmt::format("{}: compile: two options for the output \"{}\"; give one", name,
                                   found->name));
    own = std::move(each);
    own.name = found->name;
  }
  return result;
}

void check_outputs(const std::string& name, const std::vector<OutputOptions>& outputs) {
  std::vector<std::string> names = {"loss", "val_loss"};
  const auto add = [&](const std::string& value) {
    const auto taken = [&](const std::string& each) {
      return std::ranges::find(names, each) != names.end();
    };
    if (taken(value) || taken("val_" + value))
      throw ValueError(
          fmt::format("{}: compile: two values of the logs would be called \"{}\"; give each "
                      "metric a name of its own, other than \"loss\"",
                      name, value));
    names.push_back(value);
    names.push_back("val_" + value);
  };
  for (const OutputOptions& output : outputs) {
    const std::string prefix = outputs.size() > 1 ? output.name + "_" : "";
    if (!output.loss)
      throw ValueError(fmt::format(
          "{}: compile: there is no loss{}; give one, such as .loss = "
          "SparseCategoricalCrossentropy{{}}",
          name, prefix.empty() ? "" : fmt::format(" for the output \"{}\"", output.name)));
    if (!(output.weight >= 0 && std::isfinite(output.weight)))
      throw ValueError(fmt::format(
          "{}: compile: the weight of the output \"{}\" is {}; it must be finite and at least 0",
          name, output.name, output.weight));
    if (!prefix.empty()) add(prefix + "loss");
    for (const auto* metrics : {&output.metrics, &output.weighted_metrics})
      for (const Metric& metric : *metrics) add(prefix + metric.name());
  }
}

}  // namespace

void Trainer::compile(CompileOptions options) {
  std::vector<OutputOptions> outputs =
      outputs_in_order(network->path(), network->outputs(), options);
  check_outputs(network->path(), outputs);
  located(name(), [&] { network->check_options(); });
  refuse_while_fit(fmt::format("{}: compile", name()));
  if (drawn_ && *drawn_ != options.seed)
    throw StateError(
        fmt::format("{}: compile: the seed is {}, but the model is built, and its initial weights "
                    "were drawn with seed {}; compile before build, or give that seed",
                    name(), options.seed, *drawn_));
  if (before_compile_) check_seed("compile", options.seed, before_compile_->seed);
  options.outputs = std::move(outputs);
  compiled = std::make_unique<CompileOptions>(std::move(options));
  steps_ = 0;
  epochs_ = 0;
  all_listed_ = false;
  if (!before_compile_) {
    resume_.reset();
    loaded_names_.reset();
    return;
  }
  try {
    take(*before_compile_);
  } catch (...) {
    compiled.reset();
    throw;
  }
  before_compile_.reset();
  loaded_names_.reset();
}

// Returns what the model of a file that was loaded had been compiled with, for messages.
std::string Trainer::loaded_options() const {
  if (!loaded_names_) return "";
  const auto list = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& each : names) text += (text.empty() ? "" : ", ") + io::shown(each);
    return text.empty() ? "none" : text;
  };
  std::string text = fmt::format("; that of the file had the loss {} and the metrics {}",
                                 list(loaded_names_->losses), list(loaded_names_->metrics));
  if (before_compile_)
    text += fmt::format(", the optimizer {}, whose state compile takes up, and the seed {}",
                        io::shown(before_compile_->optimizer.optimizer), before_compile_->seed);
  return text;
}

void Trainer::check_ready(const char* what) const {
  if (!compiled)
    throw StateError(fmt::format("{}: {}: it is not compiled; call compile with a loss first{}",
                                 name(), what, loaded_options()));
  if (network->empty())
    throw StateError(fmt::format("{}: {}: it has no layers; add some", name(), what));
}

void Trainer::check_learns(const CallName& call) const {
  if (!grad_enabled())
    throw StateError(fmt::format(
        "{}: gradient recording is disabled by NoGrad; train outside its scope", call.text()));
  bool learns = false;
  network->each(
      [&](const ParameterPath&, Tensor& tensor) { learns = learns || tensor.requires_grad(); });
  if (!learns)
    throw StateError(fmt::format(
        "{}: no parameter is trainable: all are frozen, or no layer has any", call.text()));
}

Pass Trainer::pass(Shards& shards, std::span<const Trace::Output> traced) const {
  memory::List<Shape> shapes;
  if (traced.empty()) {
    shapes.assign(samples_.begin(), samples_.end());
    traced = network->traced();
  }
  for (const Trace::Output& output : traced) shapes.push_back(output.shape);
  return Pass({.network = *network,
               .outputs = compiled ? &compiled->outputs : nullptr,
               .seed = compiled ? compiled->seed : 0,
               .step = &steps_,
               .hooks = &hooks_,
               .learning = &learning_},
              shards, shapes);
}

void Trainer::check_built(const CallName& call) const {
  if (!network->built())
    throw StateError(fmt::format(
        "{}: it is not built; call fit, or build with the shape of a sample", call.text()));
}

namespace {

// Returns the samples in the order of the module's inputs or outputs. Throws unless there are as
// many of each.
SampleSet in_order_of(const std::vector<Port>& ports, const CallName& call, const char* what,
                      const SampleSet& given) {
  if (given.size() != ports.size())
    throw ValueError(fmt::format("{}: {}: expected samples for {} ({}), got {}", call.text(), what,
                                 ports.size(), names_of(ports), given.size()));
  for (std::size_t i = 1; i < given.size(); ++i)
    if (given[i].samples.count() != given.count())
      throw ShapeError(fmt::format(
          "{}: {}: {} holds {} samples, {} holds {}; the numbers must be equal", call.text(), what,
          given.named() ? given[0].name : ports[0].name, given.count(),
          given.named() ? given[i].name : ports[i].name, given[i].samples.count()));
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i].mask && !lies_over(*given[i].mask, given[i].samples.shape()))
      throw ShapeError(fmt::format(
          "{}: {}: {} has shape {}, and its mask {}; expected a mask over its first axes",
          call.text(), what, given.named() ? given[i].name : ports[i].name,
          to_string(given[i].samples.shape()), to_string(given[i].mask->shape())));
  if (!given.named()) return given;
  memory::List<SampleColumn> columns;
  for (const Port& port : ports) {
    std::size_t i = 0;
    while (i < given.size() && given[i].name != port.name) ++i;
    if (i == given.size())
      throw ValueError(
          fmt::format("{}: {}: there are no samples named \"{}\"; expected: {}; got: {}",
                      call.text(), what, port.name, names_of(ports), names_of(given)));
    columns.push_back(given[i]);
  }
  return SampleSet(std::move(columns));
}

}  // namespace

SampleSet Trainer::inputs(const CallName& call, const SampleSet& x) const {
  SampleSet own = in_order_of(network->inputs(), call, "x", x);
  located([&] { return call.text(); },
          [&] { networks::check_kinds(network->inputs(), signals(own)); });
  return own;
}

SampleSet Trainer::targets(const CallName& call, const SampleSet& y) const {
  return in_order_of(network->outputs(), call, "y", y);
}

std::vector<Tensor> Trainer::call(const SampleSet& x, const Context& context) const {
  if (!network->built())
    throw StateError(
        fmt::format("{}: it is not built; call build with the shape of a sample, or fit", name()));
  Context own = context;
  if (hooks_) own.hooks = hooks_;
  memory::List<Output> outputs;
  network->call(signals(inputs({name(), "call"}, x)), own, {}, outputs);
  std::vector<Tensor> result;
  for (Output& output : outputs) result.push_back(output.signal.tensor());
  return result;
}

std::string Trainer::summary(Index width) const {
  if (!network->built())
    throw StateError(
        fmt::format("{}: it has no parameters yet; call build with the shape of a sample, or fit, "
                    "before summary",
                    name()));
  std::vector<train::SummaryRow> rows;
  for (const Network::Part& part : network->parts()) {
    const std::string path = fmt::format("{}/{}", name(), part.name);
    std::string shape = "?";
    for (const Trace::Output& output : network->traced())
      if (output.path == path)
        shape = fmt::format("(None{}{})", output.shape.rank() > 0 ? ", " : "",
                            fmt::join(output.shape.sizes(), ", "));
    rows.push_back({part.name, part.type, shape, part.count});
  }
  train::SummaryTotals totals;
  network->each([&](const ParameterPath&, const Tensor& tensor) {
    if (tensor.defined())
      (tensor.requires_grad() ? totals.trainable : totals.non_trainable) += tensor.shape().count();
  });
  if (compiled) totals.optimizer = compiled->optimizer.slot_elements();
  return train::summary_table(network->path(), rows, totals, width);
}

}}  // namespace fovea
