// The loop: epochs over shuffled batches, each batch one sharded pass and one step of the
// optimiser.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/located.hpp"
#include "data/order.hpp"
#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/runtime/runtime_info.hpp"
#include "train/progress.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

struct Trainer::Given {
  SampleSet x, y;
  std::vector<double> weight = {};
  std::vector<Trace::Output> traced = {};  // where samples are not those the model was built for
};

namespace {

void check_counts(const CallName& call, const SampleSet& x, const SampleSet& y) {
  if (x.count() != y.count())
    throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; the numbers must be equal",
                                 call.text(), x.count(), y.count()));
}

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

// Throws ShapeError unless there are as many weights as samples, and ValueError for a weight out of
// range. With `some`, throws ValueError if all weights are 0.
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

void check_batch_size(const CallName& call, Index batch_size) {
  if (batch_size < 1)
    throw ValueError(
        fmt::format("{}: batch_size is {}; it must be at least 1", call.text(), batch_size));
}

void check_options(const CallName& call, const SampleSet& x, const FitOptions& options) {
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

// Starts the progress of an epoch, unless fit is silent.
void show(std::optional<train::Progress>& progress, const FitOptions& options, Index number,
          Index batches) {
  if (options.verbose == 0) return;
  std::ostream& out = options.output ? *options.output : std::cout;
  progress.emplace(
      out, train::ProgressOptions{.terminal = options.verbose == 1 && train::is_terminal(out),
                                  .epoch = number + 1,
                                  .epochs = options.epochs,
                                  .steps = batches});
}

// Prints the advice once in a process.
void print_advice(std::ostream& out) {
  if (const std::string advice = advice_once(); !advice.empty()) out << "fovea: " << advice << '\n';
}

}  // namespace

// Marks fit as running, with its callbacks, while in scope.
struct Trainer::FitRuns {
  FitRuns(Trainer& t, const FitOptions& options, Index samples) : trainer(t) {
    trainer.fit_runs_ = true;
    trainer.callbacks_ = &options.callbacks;
    trainer.position_ = {
        .samples = samples, .batch_size = options.batch_size, .shuffle = options.shuffle};
  }
  ~FitRuns() {
    trainer.fit_runs_ = false;
    trainer.callbacks_ = nullptr;
    trainer.position_.reset();
    trainer.means_ = nullptr;
  }
  FitRuns(const FitRuns&) = delete;
  Trainer& trainer;
};

// Returns the shapes of one sample and of the outputs of the layers, or nothing if the model was
// built for such samples. Samples of another shape are accepted if every layer accepts one of them:
// a time axis is free unless a layer fixes its size. Hooks are not called.
std::vector<Trace::Output> Trainer::traced(const CallName& call, const SampleSet& x) const {
  if (are_those_it_was_built_for(x)) return {};
  const NoGrad no_grad;
  std::vector<Trace::Output> result;
  for (std::size_t i = 0; i < x.size(); ++i)
    result.push_back({name(), x[i].samples.shape().without(0)});
  try {
    for (const Trace::Output& output : network->trace(signals(x.rows(0, 1))))
      result.push_back(output);
    return result;
  } catch (const Error& error) {
    std::string built, given;
    for (std::size_t i = 0; i < x.size(); ++i) {
      built += (i > 0 ? ", " : "") + to_string(samples_[i]);
      given += (i > 0 ? ", " : "") + to_string(x[i].samples.shape().without(0));
    }
    throw ShapeError(fmt::format(
        "{}: built for samples of shape {}; these are {}, which a layer does not accept: {}",
        call.text(), built, given, error.what()));
  }
}

// Returns the samples of a call, in the order of the module's inputs and outputs.
Trainer::Given Trainer::ordered(const CallName& call, const SampleSet& x, const SampleSet& y,
                                const std::vector<double>& weight) const {
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: there are no samples", call.text()));
  return {inputs(call, x), targets(call, y), weight};
}

// Checks the data before any work is done.
void Trainer::check_data(const CallName& call, Given& data) const {
  located([&] { return call.path(); }, [&] { network->check(signals(data.x)); });
  data.traced = traced(call, data.x);
  const std::vector<Trace::Output>& traced = data.traced.empty() ? network->traced() : data.traced;
  // Masks of all samples, computed when the first target needs them.
  std::optional<memory::List<std::optional<Mask>>> masks;
  for (std::size_t o = 0; o < data.y.size(); ++o) {
    const Samples& target = data.y[o].samples;
    const Index each = target.shape().count() / target.count();
    const auto counts = [&](Index position) {
      if (!data.weight.empty() && data.weight[static_cast<std::size_t>(position / each)] == 0)
        return false;
      if (!masks) {
        Shards shards;
        masks = network->masks_come_late() ? pass(shards, data.traced).late_masks(data.x)
                                           : network->masks(signals(data.x));
      }
      const std::optional<Mask>& mask = data.y[o].mask ? data.y[o].mask : (*masks)[o];
      if (!mask || mask->count() == 0 || target.shape().count() % mask->count() != 0) return true;
      return mask->data()[position / (target.shape().count() / mask->count())] != 0;
    };
    const Shape prediction =
        traced[traced.size() - data.y.size() + o].shape.inserted(0, data.x.count());
    const OutputOptions& options = compiled->outputs[o];
    const auto path = [&] { return call.path() + (data.y.size() > 1 ? "/" + options.name : ""); };
    located(path, [&] {
      options.loss.check(prediction, target, std::cref(counts));
      for (const auto* metrics : {&options.metrics, &options.weighted_metrics})
        for (const Metric& metric : *metrics) metric.check(prediction, target);
    });
  }
}

// Performs one pass and one step of the optimiser.
void Trainer::train(Pass& pass, const Batch& batch, Means& means) {
  const bool first = steps_ == 0;
  if (first) attach_optimizer();
  check_attached();
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  {
    // Callbacks run outside this scope, in the user's floating-point mode.
    const parallel::FlushSubnormals flush;
    pass.run(batch, true, means);
    if (!all_listed_ && pass.has_unlisted_gradients())
      throw StateError(fmt::format(
          "{}: a tensor that requires gradients took part in the loss, and no module lists it in "
          "`parameters`: it would not learn; list it, or call set_requires_grad(false)",
          name()));
    optimizer().step();
  }
  all_listed_ = all_listed_ || batch.count() > 0;
  drawn_.reset();
  ++steps_;
  tell_observers([](Observer& observer) { observer.at_step(-1); });
}

// Runs one epoch: batches, validation, logs and progress. As in Keras, an epoch that is cut short
// is validated and logged like any other.
void Trainer::epoch(Model& model, Pass& pass, Pass* validation, const Given& data,
                    const Given* validation_data, const FitOptions& options, Index number) {
  const Index samples = data.x.count();
  const std::vector<Index> positions =
      options.shuffle ? shuffled(samples, compiled->seed, epochs_) : in_order(samples);
  const Index batch_size = std::min(options.batch_size, samples),
              batches = (samples + batch_size - 1) / batch_size;
  std::optional<train::Progress> progress;
  show(progress, options, number, batches);
  ++epochs_;
  Means means(compiled->outputs);
  Index i = begin_epoch(means);
  for (bool stopped = false; i < batches && !stopped; stopped = stops_, ++i) {
    for (Callback* callback : options.callbacks) callback->on_train_batch_begin(model, i);
    const Index begin = i * batch_size, size = std::min(batch_size, samples - begin);
    train(pass,
          pass.batch(data.x, data.y, data.weight,
                     std::span(positions).subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(size))),
          means);
    position_->batch = i + 1;
    batches_ = batches;
    if (options.callbacks.empty() && !progress) continue;
    const Logs logs = means.logs();
    for (Callback* callback : options.callbacks) callback->on_train_batch_end(model, i, logs);
    if (progress) progress->update(i + 1, progress_values(logs));
  }
  Logs logs = means.logs();
  if (validation_data)
    for (const auto& [name, value] : validation->evaluate(
             validation_data->x, validation_data->y, validation_data->weight, options.batch_size))
      logs["val_" + name] = value;
  if (progress) progress->finish(progress_values(logs), i);
  history.epoch.push_back(number);
  for (const auto& [name, value] : logs) history.history[name].push_back(value);
  means_ = nullptr;
  position_->epoch = number + 1;
  position_->begun = false;
  for (Callback* callback : options.callbacks) callback->on_epoch_end(model, number, logs);
}

History Trainer::fit(Model& model, const SampleSet& x, const SampleSet& y,
                     const FitOptions& options) {
  const CallName call{name(), "fit"};
  check_ready("fit");
  refuse_while_fit(call.text());
  check_options(call, x, options);
  check_counts(call, x, y);
  const auto kept = static_cast<Index>(
      std::floor(static_cast<double>(x.count()) * (1 - options.validation_split)));
  if (x.count() == 0)
    throw ValueError(fmt::format("{}: there are no samples to train on", call.text()));
  if (kept == 0)
    throw ValueError(fmt::format("{}: validation_split {} of {} samples leaves none to train on",
                                 call.text(), options.validation_split, x.count()));
  Given data = ordered(call, x, y, options.sample_weight);
  build(call, data.x);
  check_data(call, data);
  if (const auto& given = options.validation_data) {
    const CallName validation{name(), "fit", "validation_data"};
    check_weights(validation, given->sample_weight, given->x.count(), true);
    Given other = ordered(validation, given->x, given->y, given->sample_weight);
    check_data(validation, other);
    return fit_checked(model, data, options, &other);
  }
  if (kept == x.count()) return fit_checked(model, data, options, nullptr);
  const Index count = x.count();
  Given other{data.x.rows(kept, count), data.y.rows(kept, count)};
  data.x = data.x.rows(0, kept);
  data.y = data.y.rows(0, kept);
  if (!data.weight.empty()) {
    other.weight.assign(data.weight.begin() + kept, data.weight.end());
    data.weight.resize(static_cast<std::size_t>(kept));
    check_weights({name(), "fit", "the samples before validation_split"}, data.weight, kept, true);
    check_weights({name(), "fit", "the samples of validation_split"}, other.weight, count - kept,
                  true);
  }
  return fit_checked(model, data, options, &other);
}

// Runs all epochs. `validation` is null without validation data.
History Trainer::fit_checked(Model& model, const Given& data, const FitOptions& given,
                             const Given* validation) {
  FitOptions options = given;
  std::ranges::stable_sort(options.callbacks, {},
                           [](const Callback* each) { return each->turn(); });
  Pass training = pass(shards_, data.traced);
  std::optional<Pass> other;
  if (validation) other.emplace(pass(shards_, validation->traced));
  check_learns({name(), "fit"});
  Logs names = Means(compiled->outputs).logs();  // of no samples: only the names are used
  if (validation)
    for (const auto& [name, value] : Logs(names)) names["val_" + name] = value;
  for (const Callback* callback : options.callbacks) callback->check_names(model, names);
  const FitRuns running(*this, options, data.x.count());
  batches_ = 0;
  stops_ = false;
  if (!resume_) history = {};
  if (options.verbose > 0) print_advice(options.output ? *options.output : std::cout);
  const Index batch_size = std::min(options.batch_size, data.x.count());
  const FitParams params{options.epochs, (data.x.count() + batch_size - 1) / batch_size};
  for (Callback* callback : options.callbacks) callback->set_params(params);
  for (Callback* callback : options.callbacks) callback->on_train_begin(model);
  for (Index number = take_up(options.callbacks); number < options.epochs; ++number) {
    if (!position_->begun)
      for (Callback* callback : options.callbacks) callback->on_epoch_begin(model, number);
    epoch(model, training, other ? &*other : nullptr, data, validation, options, number);
    if (stops_) break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(model);
  return history;
}

Logs Trainer::train_on_batch(const SampleSet& x, const SampleSet& y,
                             const std::vector<double>& sample_weight) {
  const CallName call{name(), "train_on_batch"};
  check_ready("train_on_batch");
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: the batch is empty", call.text()));
  check_weights(call, sample_weight, x.count(), false);
  Given data = ordered(call, x, y, sample_weight);
  build(call, data.x);
  check_data(call, data);
  check_learns(call);
  Pass training = pass(shards_, {});
  Means means(compiled->outputs);
  train(training,
        training.batch(data.x, data.y,
                       memory::List<double>(sample_weight.begin(), sample_weight.end())),
        means);
  return means.logs();
}

Logs Trainer::evaluate(const SampleSet& x, const SampleSet& y, Index batch_size,
                       const std::vector<double>& sample_weight) const {
  const CallName call{name(), "evaluate"};
  check_ready("evaluate");
  check_built(call);
  check_batch_size(call, batch_size);
  check_weights(call, sample_weight, x.count(), true);
  Given data = ordered(call, x, y, sample_weight);
  check_data(call, data);
  Shards shards;
  return pass(shards, data.traced).evaluate(data.x, data.y, data.weight, batch_size);
}

std::vector<Array> Trainer::predict(const SampleSet& x, Index batch_size) const {
  const CallName call{name(), "predict"};
  check_built(call);
  check_batch_size(call, batch_size);
  const SampleSet own = inputs(call, x);
  located([&] { return call.path(); }, [&] { network->check(signals(own)); });
  Shards shards;
  return pass(shards, {}).predict(own, batch_size);
}

}}  // namespace fovea
