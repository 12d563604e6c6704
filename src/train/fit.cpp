// The loop: epochs over shuffled batches, each batch one sharded pass and one step of the optimiser.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <numeric>

#include "fovea/base/error.hpp"
#include "fovea/train/sequential.hpp"
#include "train/pass.hpp"
#include "train/progress.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

void check_counts(const std::string& model, const Samples& x, const Samples& y) {
  if (x.count() != y.count()) throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; they must be as many", model, x.count(), y.count()));
}

void check_batch_size(const std::string& model, Index batch_size) {
  if (batch_size < 1) throw ValueError(fmt::format("{}: batch_size is {}; it must be at least 1", model, batch_size));
}

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

void check_options(const std::string& model, const Samples& x, const FitOptions& options) {
  if (options.epochs < 1) throw ValueError(fmt::format("{}: fit: epochs is {}; it must be at least 1", model, options.epochs));
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(fmt::format("{}: fit: validation_split is {}; it must be at least 0 and below 1", model, options.validation_split));
  if (options.validation_split > 0 && options.validation_data) throw ValueError(fmt::format("{}: fit: both validation_data and validation_split are given; give one", model));
  if (!options.sample_weight.empty() && static_cast<Index>(options.sample_weight.size()) != x.count())
    throw ShapeError(fmt::format("{}: fit: {} sample weights for {} samples", model, options.sample_weight.size(), x.count()));
  for (const double weight : options.sample_weight)
    if (!std::isfinite(weight)) throw ValueError(fmt::format("{}: fit: a sample weight is {}; weights are finite", model, weight));
  for (std::size_t i = 0; i < options.callbacks.size(); ++i)
    if (!options.callbacks[i]) throw ValueError(fmt::format("{}: fit: callback {} is null", model, i));
  if (options.validation_data && options.validation_data->x.count() == 0) throw ValueError(fmt::format("{}: fit: validation_data holds no samples", model));
  check_batch_size(model, options.batch_size);
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

}  // namespace

void Sequential::check_ready(const char* what) const {
  if (!compiled_) throw StateError(fmt::format("{}: {}: it is not compiled; call compile with a loss first", name_, what));
  if (layers_.empty()) throw StateError(fmt::format("{}: {}: it has no layers", name_, what));
}

// What can be known to be wrong with data before any work is done.
void Sequential::check_data(const Samples& x, const Samples& y) const {
  check_counts(name_, x, y);
  if (x.shape().without(0) != input_)
    throw ShapeError(fmt::format("{}: built for samples of shape {}; these are {}", name_, to_string(input_), to_string(x.shape().without(0))));
  try {
    if (x.is_ids()) layers_.front().check(x.ids());
  } catch (Error& error) {
    error.add_path(names_.front());
    error.add_path(name_);
    throw;
  }
  try {
    const Shape prediction = outputs_.back().inserted(0, x.count());
    compiled_->loss.check(prediction, y);
    for (const Metric& metric : compiled_->metrics) metric.check(prediction, y);
  } catch (Error& error) {
    error.add_path(name_);
    throw;
  }
}

Shards& Sequential::shards() {
  if (!shards_) shards_ = std::make_shared<Shards>();
  return *shards_;
}

// One pass and one step of the optimiser; the model stands at the end of this batch when it returns.
void Sequential::train(Pass& pass, const Batch& batch, Means& means) {
  Optimizer& optimizer = compiled_->optimizer;
  std::vector<NodePtr> learning;
  for (const NamedParameter& parameter : pass.parameters()) learning.push_back(parameter.tensor.node());
  if (steps_ == 0) {
    attached_ = optimizer.attach(pass.parameters());
    learning_ = learning;
  }
  if (!std::ranges::equal(learning, learning_, {}, &NodePtr::get, &NodePtr::get))
    throw StateError(fmt::format("{}: parameters were frozen, or let learn again, since compile; call compile again", name_));
  if (optimizer.attachments() != attached_) throw StateError(fmt::format("{}: its optimizer has been taken on by another model since; give each model one of its own", name_));
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  pass.run(batch, true, means);
  optimizer.step();
  ++steps_;
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
  Means means;
  for (Index i = 0; i < batches; ++i) {
    const Index begin = i * batch_size, size = std::min(batch_size, x.count() - begin);
    train(pass, pass.batch(x, y, options.sample_weight, std::span(positions).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size))), means);
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
  check_ready("fit");
  check_options(name_, x, options);
  check_counts(name_, x, y);
  const auto kept = static_cast<Index>(std::floor(static_cast<double>(x.count()) * (1 - options.validation_split)));
  if (kept == 0) throw ValueError(fmt::format("{}: fit: there are no samples to train on", name_));
  build(x.shape().without(0));
  check_data(x, y);
  if (options.validation_data) check_data(options.validation_data->x, options.validation_data->y);
  if (kept == x.count()) return fit_checked(x, y, options);
  FitOptions split = options;
  split.validation_data = Validation{x.rows(kept, x.count()), y.rows(kept, y.count())};
  if (!split.sample_weight.empty()) split.sample_weight.resize(static_cast<std::size_t>(kept));
  return fit_checked(x.rows(0, kept), y.rows(0, kept), split);
}

History Sequential::fit_checked(const Samples& x, const Samples& y, const FitOptions& options) {
  if (!grad_enabled()) throw StateError(fmt::format("{}: fit: nothing is recorded where a NoGrad lives; end it first", name_));
  const parallel::FlushSubnormals flush;
  Pass pass(*this, shards());
  history_ = {};
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
  check_ready("train_on_batch");
  check_counts(name_, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: train_on_batch: the batch is empty", name_));
  build(x.shape().without(0));
  check_data(x, y);
  if (!grad_enabled()) throw StateError(fmt::format("{}: train_on_batch: nothing is recorded where a NoGrad lives; end it first", name_));
  const parallel::FlushSubnormals flush;
  Pass pass(*this, shards());
  Means means;
  train(pass, Batch{x, y, {}, final_mask(x)}, means);
  return means.logs();
}

Logs Sequential::evaluate(const Samples& x, const Samples& y, Index batch_size) const {
  check_ready("evaluate");
  if (!built_) throw StateError(fmt::format("{}: evaluate: it is not built; call fit, or build with the shape of a sample", name_));
  check_batch_size(name_, batch_size);
  check_data(x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: evaluate: there are no samples", name_));
  Shards shards;
  return Pass(*this, shards).evaluate(x, y, batch_size);
}

Array Sequential::predict(const Samples& x, Index batch_size) const {
  if (!built_) throw StateError(fmt::format("{}: predict: it is not built; call fit, or build with the shape of a sample", name_));
  check_batch_size(name_, batch_size);
  Shards shards;
  return Pass(*this, shards).predict(x, batch_size);
}

}  // namespace fovea
