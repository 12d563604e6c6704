// The loop: epochs over shuffled batches, each batch one sharded pass and one step of the
// optimiser.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>

#include "fovea/base/error.hpp"
#include "fovea/nn/in_layer.hpp"
#include "fovea/runtime/runtime_info.hpp"
#include "fovea/train/sequential.hpp"
#include "train/call_name.hpp"
#include "train/pass.hpp"
#include "train/progress.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_counts(const CallName& call, const Samples& x, const Samples& y) {
  if (x.count() != y.count())
    throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; they must be as many",
                                 call.text(), x.count(), y.count()));
}

void check_batch_size(const CallName& call, Index batch_size) {
  if (batch_size < 1)
    throw ValueError(
        fmt::format("{}: batch_size is {}; it must be at least 1", call.text(), batch_size));
}

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

// Throws for weights that are not as many as the samples, or out of range; `some`: they must not
// all be 0.
void check_weights(const CallName& call, const std::vector<double>& weight, Index samples,
                   bool some) {
  if (weight.empty()) return;
  if (static_cast<Index>(weight.size()) != samples)
    throw ShapeError(
        fmt::format("{}: {} sample weights for {} samples; give one for each sample, or none",
                    call.text(), weight.size(), samples));
  for (std::size_t i = 0; i < weight.size(); ++i)
    if (!(weight[i] >= 0 && std::isfinite(weight[i])))
      throw ValueError(fmt::format(
          "{}: the sample weight at position {} is {}; weights must be finite and at least 0",
          call.text(), i, weight[i]));
  if (some && std::ranges::all_of(weight, [](double each) { return each == 0; }))
    throw ValueError(
        fmt::format("{}: all {} sample weights are 0, and nothing counts; give one above 0",
                    call.text(), samples));
}

void check_options(const CallName& call, const Samples& x, const FitOptions& options) {
  if (options.epochs < 1)
    throw ValueError(
        fmt::format("{}: epochs is {}; it must be at least 1", call.text(), options.epochs));
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(fmt::format("{}: validation_split is {}; it must be at least 0 and below 1",
                                 call.text(), options.validation_split));
  if (options.validation_split > 0 && options.validation_data)
    throw ValueError(fmt::format(
        "{}: both validation_data and validation_split are given; give one", call.text()));
  check_weights(call, options.sample_weight, x.count(), true);
  for (std::size_t i = 0; i < options.callbacks.size(); ++i)
    if (!options.callbacks[i])
      throw ValueError(fmt::format("{}: callback {} is null; leave it out", call.text(), i));
  if (options.validation_data && options.validation_data->x.count() == 0)
    throw ValueError(fmt::format("{}: validation_data holds no samples", call.text()));
  if (options.verbose < 0 || options.verbose > 2)
    throw ValueError(
        fmt::format("{}: verbose is {}; it must be 0, 1 or 2", call.text(), options.verbose));
  check_batch_size(call, options.batch_size);
}

std::vector<Index> in_order(Index count) {
  std::vector<Index> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), Index(0));
  return positions;
}

// The order in which an epoch sees its samples: by Fisher and Yates, from the seed and the number
// of the epoch.
std::vector<Index> shuffled(Index count, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<Index> positions = in_order(count);
  Rng random = Rng(seed).split("shuffle", epoch);
  for (Index i = count - 1; i > 0; --i)
    std::swap(positions[static_cast<std::size_t>(i)],
              positions[static_cast<std::size_t>(random.below(i + 1))]);
  return positions;
}

// Once in a process, where a person looks.
void print_advice(std::ostream& out) {
  if (const std::string advice = advice_once(); !advice.empty()) out << "fovea: " << advice << '\n';
}

}  // namespace

void Sequential::check_ready(const char* what) const {
  if (!compiled_)
    throw StateError(
        fmt::format("{}: {}: it is not compiled; call compile with a loss first", name_, what));
  if (layers_.empty())
    throw StateError(fmt::format("{}: {}: it has no layers; add some", name_, what));
}

// What can be known to be wrong with data before any work is done. Gives shapes_for(x).
std::vector<Shape> Sequential::check_data(const CallName& call, const Samples& x, const Samples& y,
                                          const std::vector<double>& weight) const {
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: there are no samples", call.text()));
  check_input(call, x);
  std::vector<Shape> shapes = shapes_for(call, x);
  std::optional<std::optional<Mask>>
      mask;  // of all samples: computed where a target is in question
  const auto counts = [&](Index position) {
    if (!weight.empty() &&
        weight[static_cast<std::size_t>(position / (y.shape().count() / y.count()))] == 0)
      return false;
    if (!mask) mask = final_mask(x);
    if (!*mask || (*mask)->count() == 0 || y.shape().count() % (*mask)->count() != 0) return true;
    return (*mask)->data()[position / (y.shape().count() / (*mask)->count())] != 0;
  };
  try {
    const Shape prediction = (shapes.empty() ? outputs_ : shapes).back().inserted(0, x.count());
    compiled_->loss.check(prediction, y, std::cref(counts));
    for (const Metric& metric : compiled_->metrics) metric.check(prediction, y);
  } catch (Error& error) {
    error.add_path(call.path());
    throw;
  }
  return shapes;
}

// Samples of another shape than the model was built for are accepted if every layer accepts one of
// them: a time axis is free unless a layer fixes it. Hooks are not called. Gives the shapes of such
// a sample and of what the layers make of it; none where the model was built for such samples.
std::vector<Shape> Sequential::shapes_for(const CallName& call, const Samples& x) const {
  const Shape sample = x.shape().without(0);
  std::vector<Shape> shapes;
  if (sample == input_) return shapes;
  const NoGrad no_grad;
  shapes.push_back(sample);
  Signal one = signal(x.rows(0, 1));
  try {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      one = LayerCall::run({}, paths_[i],
                           [&](const Context& inside) { return layers_[i].call(one, inside); });
      shapes.push_back(std::get<Tensor>(one.value).shape().without(0));
    }
  } catch (const Error& error) {
    throw ShapeError(fmt::format(
        "{}: built for samples of shape {}; these are {}, which a layer does not accept: {}",
        call.text(), to_string(input_), to_string(sample), error.what()));
  }
  return shapes;
}

// What the first layer says of all samples, before shards count them from 0.
void Sequential::check_input(const CallName& call, const Samples& x) const {
  try {
    layers_.front().check(signal(x));
  } catch (Error& error) {
    error.add_path(names_.front());
    error.add_path(call.path());
    throw;
  }
}

void Sequential::check_learns(const CallName& call) const {
  if (!grad_enabled())
    throw StateError(
        fmt::format("{}: nothing is recorded where a NoGrad lives; end it first", call.text()));
  bool learns = false;
  for_each_parameter(*this, [&](const ParameterPath&, const Tensor& tensor) {
    learns = learns || tensor.requires_grad();
  });
  if (!learns)
    throw StateError(
        fmt::format("{}: no parameter learns; all are frozen, or no layer has any", call.text()));
}

Shards& Sequential::shards() {
  if (!shards_) shards_ = std::make_shared<Shards>();
  return *shards_;
}

// At the first step: the optimiser takes on what learns.
void Sequential::attach_optimizer() {
  learning_.clear();
  visited_.clear();
  for_each_parameter(*this, [&](const ParameterPath& path, const Tensor& tensor) {
    if (!tensor.requires_grad()) return;
    const Node* const node = tensor.node().get();
    if (std::ranges::find(visited_, node) == visited_.end()) learning_.push_back({path, tensor});
    visited_.push_back(node);
  });
  attached_ = compiled_->optimizer.attach(learning_);
}

void Sequential::check_attached() const {
  auto expected = visited_.begin();
  bool same = true;
  for_each_parameter(*this, [&](const ParameterPath&, const Tensor& tensor) {
    if (tensor.requires_grad())
      same = same && expected != visited_.end() && *expected++ == tensor.node().get();
  });
  if (!same || expected != visited_.end())
    throw StateError(
        fmt::format("{}: since compile parameters were frozen, let learn again, or exchanged for "
                    "others; call compile again",
                    name_));
  if (compiled_->optimizer.attachments() != attached_)
    throw StateError(
        fmt::format("{}: since compile its optimizer was attached to another model, or exchanged "
                    "for another; call compile, for each model with an optimizer of its own",
                    name_));
}

// One pass and one step of the optimiser; the model stands at the end of this batch when it
// returns.
void Sequential::train(Pass& pass, const Batch& batch, Means& means) {
  if (steps_ == 0) attach_optimizer();
  check_attached();
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  {
    const parallel::FlushSubnormals
        flush;  // not longer: callbacks are the user's, and run in the user's floating-point mode
    pass.run(batch, true, means);
    compiled_->optimizer.step();
  }
  drawn_.reset();
  ++steps_;
  tell_observers([](Observer& observer) { observer.at_step(-1); });
}

// One epoch: batches, validation, logs and progress.
void Sequential::epoch(Pass& pass, Pass& validation, const Samples& x, const Samples& y,
                       const FitOptions& options, Index number) {
  const std::vector<Index> positions =
      options.shuffle ? shuffled(x.count(), compiled_->seed, epochs_) : in_order(x.count());
  const Index batch_size = std::min(options.batch_size, x.count()),
              batches = (x.count() + batch_size - 1) / batch_size;
  std::ostream& out = options.output ? *options.output : std::cout;
  std::optional<train::Progress> progress;
  if (options.verbose > 0)
    progress.emplace(
        out, train::ProgressOptions{.terminal = options.verbose == 1 && train::is_terminal(out),
                                    .epoch = number + 1,
                                    .epochs = options.epochs,
                                    .steps = batches});
  ++epochs_;
  Means means(*compiled_);
  for (Index i = 0; i < batches; ++i) {
    const Index begin = i * batch_size, size = std::min(batch_size, x.count() - begin);
    train(pass,
          pass.batch(x, y, options.sample_weight,
                     std::span(positions).subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(size))),
          means);
    if (options.callbacks.empty() && !progress) continue;
    const Logs logs = means.logs();
    for (Callback* callback : options.callbacks) callback->on_batch_end(*this, i, logs);
    if (progress) progress->update(i + 1, progress_values(logs));
  }
  Logs logs = means.logs();
  if (const auto& data = options.validation_data)
    for (const auto& [name, value] :
         validation.evaluate(data->x, data->y, data->sample_weight, options.batch_size))
      logs["val_" + name] = value;
  if (progress) progress->finish(progress_values(logs));
  history_.epoch.push_back(number);
  for (const auto& [name, value] : logs) history_.history[name].push_back(value);
  for (Callback* callback : options.callbacks) callback->on_epoch_end(*this, number, logs);
}

History Sequential::fit(const Samples& x, const Samples& y, const FitOptions& options) {
  const CallName call{name_, "fit"};
  check_ready("fit");
  fit_runs_.refuse(call.text());
  check_options(call, x, options);
  check_counts(call, x, y);
  const auto kept = static_cast<Index>(
      std::floor(static_cast<double>(x.count()) * (1 - options.validation_split)));
  if (x.count() == 0)
    throw ValueError(fmt::format("{}: there are no samples to train on", call.text()));
  if (kept == 0)
    throw ValueError(fmt::format("{}: validation_split {} of {} samples leaves none to train on",
                                 call.text(), options.validation_split, x.count()));
  build(x.shape().without(0));
  check_data(call, x, y, options.sample_weight);
  if (const auto& data = options.validation_data) {
    const CallName validation{name_, "fit", "validation_data"};
    check_weights(validation, data->sample_weight, data->x.count(), true);
    return fit_checked(x, y, options,
                       check_data(validation, data->x, data->y, data->sample_weight));
  }
  if (kept == x.count()) return fit_checked(x, y, options, {});
  FitOptions split = options;
  split.validation_data = Validation{x.rows(kept, x.count()), y.rows(kept, y.count())};
  if (!options.sample_weight.empty()) {
    const auto middle = options.sample_weight.begin() + kept;
    split.sample_weight.assign(options.sample_weight.begin(), middle);
    split.validation_data->sample_weight.assign(middle, options.sample_weight.end());
    check_weights({name_, "fit", "the samples before validation_split"}, split.sample_weight, kept,
                  true);
    check_weights({name_, "fit", "the samples of validation_split"},
                  split.validation_data->sample_weight, x.count() - kept, true);
  }
  return fit_checked(x.rows(0, kept), y.rows(0, kept), split, {});
}

// `shapes`: of check_data, for the samples to validate on.
History Sequential::fit_checked(const Samples& x, const Samples& y, const FitOptions& options,
                                const std::vector<Shape>& shapes) {
  Pass pass(*this, shards()), validation(*this, shards(), shapes);
  check_learns({name_, "fit"});
  Logs names = {{"loss", 0}};
  for (const Metric& metric : compiled_->metrics) names[metric.name()] = 0;
  if (options.validation_data)
    for (const auto& [name, value] : Logs(names)) names["val_" + name] = value;
  for (const Callback* callback : options.callbacks) callback->check_names(*this, names);
  const FitRuns::Scope scope(fit_runs_);
  history_ = {};
  if (options.verbose > 0) print_advice(options.output ? *options.output : std::cout);
  for (Callback* callback : options.callbacks) callback->on_train_begin(*this);
  for (Index number = 0; number < options.epochs; ++number) {
    for (Callback* callback : options.callbacks) callback->on_epoch_begin(*this, number);
    epoch(pass, validation, x, y, options, number);
    if (std::ranges::any_of(options.callbacks,
                            [](const Callback* callback) { return callback->wants_to_stop(); }))
      break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(*this);
  return history_;
}

Logs Sequential::train_on_batch(const Samples& x, const Samples& y,
                                const std::vector<double>& sample_weight) {
  const CallName call{name_, "train_on_batch"};
  check_ready("train_on_batch");
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: the batch is empty", call.text()));
  check_weights(call, sample_weight, x.count(), false);
  build(x.shape().without(0));
  check_data(call, x, y, sample_weight);
  check_learns(call);
  Pass pass(*this, shards());
  Means means(*compiled_);
  train(pass, pass.batch(x, y, memory::List<double>(sample_weight.begin(), sample_weight.end())),
        means);
  return means.logs();
}

Logs Sequential::evaluate(const Samples& x, const Samples& y, Index batch_size,
                          const std::vector<double>& sample_weight) const {
  const CallName call{name_, "evaluate"};
  check_ready("evaluate");
  if (!built())
    throw StateError(fmt::format(
        "{}: it is not built; call fit, or build with the shape of a sample", call.text()));
  check_batch_size(call, batch_size);
  check_weights(call, sample_weight, x.count(), true);
  const std::vector<Shape> shapes = check_data(call, x, y, sample_weight);
  Shards shards;
  return Pass(*this, shards, shapes).evaluate(x, y, sample_weight, batch_size);
}

Array Sequential::predict(const Samples& x, Index batch_size) const {
  const CallName call{name_, "predict"};
  if (!built())
    throw StateError(fmt::format(
        "{}: it is not built; call fit, or build with the shape of a sample", call.text()));
  check_batch_size(call, batch_size);
  check_input(call, x);
  Shards shards;
  return Pass(*this, shards).predict(x, batch_size);
}

}}  // namespace fovea
