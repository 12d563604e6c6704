// The loop: epochs over shuffled batches, each batch one sharded pass and one step of the optimiser.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>

#include "fovea/base/error.hpp"
#include "fovea/train/sequential.hpp"
#include "kernels/blas_core.hpp"
#include "train/pass.hpp"
#include "train/progress.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// What a message begins with: "sequential: fit", or "sequential: fit: validation_data". It is text only where it is wanted.
struct CallName {
  std::string text() const { return fmt::format("{}: {}{}{}", model, call, *data ? ": " : "", data); }
  std::string path() const { return *data ? text() : model; }  ///< in front of what layers, loss and metrics say: paths, as hooks have them

  const char *model, *call;
  const char* data = "";  // which of several, if it is not the call's first
};

namespace {

void check_counts(const CallName& call, const Samples& x, const Samples& y) {
  if (x.count() != y.count())
    throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; they must be as many", call.text(), x.count(), y.count()));
}

void check_batch_size(const CallName& call, Index batch_size) {
  if (batch_size < 1) throw ValueError(fmt::format("{}: batch_size is {}; it must be at least 1", call.text(), batch_size));
}

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

void check_options(const CallName& call, const Samples& x, const FitOptions& options) {
  if (options.epochs < 1) throw ValueError(fmt::format("{}: epochs is {}; it must be at least 1", call.text(), options.epochs));
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(fmt::format("{}: validation_split is {}; it must be at least 0 and below 1", call.text(), options.validation_split));
  if (options.validation_split > 0 && options.validation_data)
    throw ValueError(fmt::format("{}: both validation_data and validation_split are given; give one", call.text()));
  if (!options.sample_weight.empty() && static_cast<Index>(options.sample_weight.size()) != x.count())
    throw ShapeError(fmt::format("{}: {} sample weights for {} samples; give one for each sample, or none", call.text(),
                                 options.sample_weight.size(), x.count()));
  for (std::size_t i = 0; i < options.sample_weight.size(); ++i)
    if (const double weight = options.sample_weight[i]; !std::isfinite(weight))
      throw ValueError(fmt::format("{}: the sample weight at position {} is {}; weights must be finite", call.text(), i, weight));
  for (std::size_t i = 0; i < options.callbacks.size(); ++i)
    if (!options.callbacks[i]) throw ValueError(fmt::format("{}: callback {} is null; leave it out", call.text(), i));
  if (options.validation_data && options.validation_data->x.count() == 0)
    throw ValueError(fmt::format("{}: validation_data holds no samples", call.text()));
  if (options.verbose < 0 || options.verbose > 2) throw ValueError(fmt::format("{}: verbose is {}; it must be 0, 1 or 2", call.text(), options.verbose));
  check_batch_size(call, options.batch_size);
}

std::vector<Index> in_order(Index count) {
  std::vector<Index> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), Index(0));
  return positions;
}

// The order in which an epoch sees its samples: by Fisher and Yates, from the seed and the number of the epoch.
std::vector<Index> shuffled(Index count, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<Index> positions = in_order(count);
  Rng random = Rng(seed).split("shuffle", epoch);
  for (Index i = count - 1; i > 0; --i) std::swap(positions[static_cast<std::size_t>(i)], positions[static_cast<std::size_t>(random.below(i + 1))]);
  return positions;
}

// Once in a process, where a person looks.
void print_advice(std::ostream& out) {
  if (const std::string advice = kernels::advice_once(); !advice.empty()) out << "fovea: " << advice << '\n';
}

}  // namespace

void Sequential::check_ready(const char* what) const {
  if (!compiled_) throw StateError(fmt::format("{}: {}: it is not compiled; call compile with a loss first", name_, what));
  if (layers_.empty()) throw StateError(fmt::format("{}: {}: it has no layers; add some", name_, what));
}

// What can be known to be wrong with data before any work is done.
void Sequential::check_data(const CallName& call, const Samples& x, const Samples& y) const {
  check_counts(call, x, y);
  if (x.shape().without(0) != input_)
    throw ShapeError(fmt::format("{}: built for samples of shape {}; these are {}", call.text(), to_string(input_), to_string(x.shape().without(0))));
  check_input(call, x);
  try {
    const Shape prediction = outputs_.back().inserted(0, x.count());
    compiled_->loss.check(prediction, y);
    for (const Metric& metric : compiled_->metrics) metric.check(prediction, y);
  } catch (Error& error) {
    error.add_path(call.path());
    throw;
  }
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
  if (!grad_enabled()) throw StateError(fmt::format("{}: nothing is recorded where a NoGrad lives; end it first", call.text()));
  bool learns = false;
  for_each_parameter(*this, [&](const ParameterPath&, const Tensor& tensor) { learns = learns || tensor.requires_grad(); });
  if (!learns) throw StateError(fmt::format("{}: no parameter learns; all are frozen, or no layer has any", call.text()));
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
    if (tensor.requires_grad()) same = same && expected != visited_.end() && *expected++ == tensor.node().get();
  });
  if (!same || expected != visited_.end()) throw StateError(fmt::format("{}: since compile parameters were frozen, let learn again, or exchanged for others; call compile again", name_));
  if (compiled_->optimizer.attachments() != attached_)
    throw StateError(fmt::format("{}: since compile its optimizer was attached to another model, or exchanged for another; call compile, for each model with an optimizer of its own", name_));
}

// One pass and one step of the optimiser; the model stands at the end of this batch when it returns.
void Sequential::train(Pass& pass, const Batch& batch, Means& means) {
  if (steps_ == 0) attach_optimizer();
  check_attached();
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  {
    const parallel::FlushSubnormals flush;  // not longer: callbacks are the user's, and run in the user's floating-point mode
    pass.run(batch, true, means);
    compiled_->optimizer.step();
  }
  drawn_.reset();
  ++steps_;
  tell_observers([](Observer& observer) { observer.at_step(-1); });
}

// One epoch: batches, validation, logs and progress.
void Sequential::epoch(Pass& pass, const Samples& x, const Samples& y, const FitOptions& options, Index number) {
  const std::vector<Index> positions = options.shuffle ? shuffled(x.count(), compiled_->seed, epochs_) : in_order(x.count());
  const Index batch_size = std::min(options.batch_size, x.count()), batches = (x.count() + batch_size - 1) / batch_size;
  std::ostream& out = options.output ? *options.output : std::cout;
  std::optional<train::Progress> progress;
  if (options.verbose > 0)
    progress.emplace(out, train::ProgressOptions{.terminal = options.verbose == 1 && train::is_terminal(out), .epoch = number + 1, .epochs = options.epochs, .steps = batches});
  ++epochs_;
  Means means(*compiled_);
  for (Index i = 0; i < batches; ++i) {
    const Index begin = i * batch_size, size = std::min(batch_size, x.count() - begin);
    train(pass, pass.batch(x, y, options.sample_weight, std::span(positions).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size))), means);
    if (options.callbacks.empty() && !progress) continue;
    const Logs logs = means.logs();
    for (Callback* callback : options.callbacks) callback->on_batch_end(*this, i, logs);
    if (progress) progress->update(i + 1, progress_values(logs));
  }
  Logs logs = means.logs();
  if (options.validation_data)
    for (const auto& [name, value] : pass.evaluate(options.validation_data->x, options.validation_data->y, options.batch_size)) logs["val_" + name] = value;
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
  const auto kept = static_cast<Index>(std::floor(static_cast<double>(x.count()) * (1 - options.validation_split)));
  if (x.count() == 0) throw ValueError(fmt::format("{}: there are no samples to train on", call.text()));
  if (kept == 0)
    throw ValueError(fmt::format("{}: validation_split {} of {} samples leaves none to train on", call.text(), options.validation_split, x.count()));
  build(x.shape().without(0));
  check_data(call, x, y);
  if (options.validation_data) check_data({name_, "fit", "validation_data"}, options.validation_data->x, options.validation_data->y);
  if (kept == x.count()) return fit_checked(x, y, options);
  FitOptions split = options;
  split.validation_data = Validation{x.rows(kept, x.count()), y.rows(kept, y.count())};
  if (!split.sample_weight.empty()) split.sample_weight.resize(static_cast<std::size_t>(kept));
  return fit_checked(x.rows(0, kept), y.rows(0, kept), split);
}

History Sequential::fit_checked(const Samples& x, const Samples& y, const FitOptions& options) {
  Pass pass(*this, shards());
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
    epoch(pass, x, y, options, number);
    if (std::ranges::any_of(options.callbacks, [](const Callback* callback) { return callback->wants_to_stop(); })) break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(*this);
  return history_;
}

Logs Sequential::train_on_batch(const Samples& x, const Samples& y) {
  const CallName call{name_, "train_on_batch"};
  check_ready("train_on_batch");
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: the batch is empty", call.text()));
  build(x.shape().without(0));
  check_data(call, x, y);
  check_learns(call);
  Pass pass(*this, shards());
  Means means(*compiled_);
  train(pass, Batch{x, y, {}, final_mask(x)}, means);
  return means.logs();
}

Logs Sequential::evaluate(const Samples& x, const Samples& y, Index batch_size) const {
  const CallName call{name_, "evaluate"};
  check_ready("evaluate");
  if (!built()) throw StateError(fmt::format("{}: it is not built; call fit, or build with the shape of a sample", call.text()));
  check_batch_size(call, batch_size);
  check_data(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: there are no samples", call.text()));
  Shards shards;
  return Pass(*this, shards).evaluate(x, y, batch_size);
}

Array Sequential::predict(const Samples& x, Index batch_size) const {
  const CallName call{name_, "predict"};
  if (!built()) throw StateError(fmt::format("{}: it is not built; call fit, or build with the shape of a sample", call.text()));
  check_batch_size(call, batch_size);
  check_input(call, x);
  Shards shards;
  return Pass(*this, shards).predict(x, batch_size);
}

}  // namespace fovea
