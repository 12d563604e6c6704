// The loop: epochs over shuffled batches, each batch one step (step.cpp).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "data/order.hpp"
#include "fovea/base/error.hpp"
#include "fovea/runtime/runtime_info.hpp"
#include "train/checks.hpp"
#include "train/progress.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
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

// Marks fit as running while in scope.
struct Running {
  explicit Running(bool& flag) : now(flag) { now = true; }
  ~Running() { now = false; }
  Running(const Running&) = delete;
  bool& now;
};

}  // namespace

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
  Index i = 0;
  do {
    for (Callback* callback : options.callbacks) callback->on_train_batch_begin(model, i);
    const Index begin = i * batch_size, size = std::min(batch_size, samples - begin);
    train(pass,
          pass.batch(data.x, data.y, data.weight,
                     std::span(positions).subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(size))),
          means);
    if (options.callbacks.empty() && !progress) continue;
    const Logs logs = means.logs();
    for (Callback* callback : options.callbacks) callback->on_train_batch_end(model, i, logs);
    if (progress) progress->update(i + 1, progress_values(logs));
  } while (++i < batches && !stops_);
  Logs logs = means.logs();
  if (validation_data)
    for (const auto& [name, value] : validation->evaluate(
             validation_data->x, validation_data->y, validation_data->weight, options.batch_size))
      logs["val_" + name] = value;
  if (progress) progress->finish(progress_values(logs), i);
  history.epoch.push_back(number);
  for (const auto& [name, value] : logs) history.history[name].push_back(value);
  for (Callback* callback : options.callbacks) callback->on_epoch_end(model, number, logs);
}

History Trainer::fit(Model& model, const SampleSet& x, const SampleSet& y,
                     const FitOptions& options) {
  const CallName call{name(), "fit"};
  check_ready("fit");
  refuse_while_fit(call.text());
  check_options(call, options);
  check_weights(call, options.sample_weight, x.count(), true);
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
History Trainer::fit_checked(Model& model, const Given& data, const FitOptions& options,
                             const Given* validation) {
  Pass training = pass(shards_, data.traced);
  std::optional<Pass> other;
  if (validation) other.emplace(pass(shards_, validation->traced));
  check_learns({name(), "fit"});
  Logs names = Means(compiled->outputs).logs();  // of no samples: only the names are used
  if (validation)
    for (const auto& [name, value] : Logs(names)) names["val_" + name] = value;
  for (const Callback* callback : options.callbacks) callback->check_names(model, names);
  const Running running(fit_runs_);
  stops_ = false;
  history = {};
  if (options.verbose > 0) print_advice(options.output ? *options.output : std::cout);
  for (Callback* callback : options.callbacks) callback->on_train_begin(model);
  for (Index number = 0; number < options.epochs; ++number) {
    for (Callback* callback : options.callbacks) callback->on_epoch_begin(model, number);
    epoch(model, training, other ? &*other : nullptr, data, validation, options, number);
    if (stops_) break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(model);
  return history;
}

}}  // namespace fovea
