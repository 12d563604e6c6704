// The loop: epochs over shuffled batches, each batch one sharded pass and one step of the optimiser; evaluation and prediction are
// the same pass without gradients.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <numeric>

#include "fovea/autograd/no_grad.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/train/sequential.hpp"
#include "train/progress.hpp"
#include "train/shards.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

// Sums of loss and metrics over what has been seen, and their means by name.
class Means {
 public:
  void add(const std::string& name, double value, double weight) {
    auto& [sum, total] = sums_[name];
    sum += value * weight;
    total += weight;
  }
  Logs logs(const std::string& prefix = "") const {
    Logs logs;
    for (const auto& [name, sum] : sums_) logs[prefix + name] = sum.second > 0 ? sum.first / sum.second : 0;
    return logs;
  }

 private:
  std::map<std::string, std::pair<double, double>> sums_;
};

void check_counts(const std::string& model, const Samples& x, const Samples& y) {
  if (x.count() != y.count()) throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; they must be as many", model, x.count(), y.count()));
}

void check_batch_size(const std::string& model, Index batch_size) {
  if (batch_size < 1) throw ValueError(fmt::format("{}: batch_size is {}; it must be at least 1", model, batch_size));
}

}  // namespace

// One model in training, evaluation or prediction.
class Trainer {
 public:
  explicit Trainer(Sequential& model) : model_(model), parameters_(parameters_of(model)) {
    for (const Layer& layer : model.layers_) {
      dense_bytes_ += layer.dense_bytes();
      mixes_samples_ = mixes_samples_ || layer.mixes_samples();
    }
    fused_ = model.compiled_ && model.compiled_->loss.takes_logits() && model.layers_.back().ends_in_softmax();
  }

  History fit(const Samples& x, const Samples& y, const FitOptions& options);
  Logs evaluate(const Samples& x, const Samples& y, Index batch_size);
  Array predict(const Samples& x, Index batch_size);

 private:
  struct Batch {
    Samples x, y;
    std::vector<double> weight;  // of the samples; empty: all 1
    std::optional<Mask> mask;    // of the predictions' positions
    double denominator = 0;      // of the mean loss, with a mask
  };

  Batch batch(const Samples& x, const Samples& y, const std::vector<double>& weight, std::span<const Index> positions) const;
  Array scale(const Batch& batch, const Shape& values, Index begin) const;
  Array pass(const Batch& batch, bool training, Means& means);
  Tensor prediction(const Samples& x, const Context& context) const;
  void add_metrics(const Batch& batch, const Array& predictions, Means& means) const;
  void epoch(const Samples& x, const Samples& y, const FitOptions& options, Index number);
  std::vector<Index> order(Index count, const FitOptions& options) const;
  Index shards(Index samples) const { return train::Shards::count(samples, dense_bytes_, mixes_samples_); }

  Sequential& model_;
  std::vector<NamedParameter> parameters_;
  train::Shards shards_;
  Index dense_bytes_ = 0;
  bool mixes_samples_ = false;
  bool fused_ = false;  // the loss is computed from the logits of the last layer's softmax
};

Trainer::Batch Trainer::batch(const Samples& x, const Samples& y, const std::vector<double>& weight, std::span<const Index> positions) const {
  Batch batch{x.rows(positions), y.rows(positions), {}, {}, 0};
  if (!weight.empty())
    for (const Index i : positions) batch.weight.push_back(weight[static_cast<std::size_t>(i)]);
  batch.mask = model_.final_mask(batch.x);
  if (batch.mask) batch.denominator = static_cast<double>(batch.mask->kept());
  return batch;
}

// What each loss value of a shard is multiplied with, so that their sum over the batch is its mean loss: Keras divides by all
// values, or with a mask by those kept; sample weights do not change the denominator.
Array Trainer::scale(const Batch& batch, const Shape& values, Index begin) const {
  Array factors(values);
  const Index samples = values.rank() == 0 ? 0 : values[0];
  const Index each = samples == 0 ? 0 : values.count() / samples;
  if (batch.mask && batch.mask->count() != batch.x.count() * each)
    throw ShapeError(fmt::format("{}: the mask of the predictions is {}, and the loss gives {} values a sample; put a DropMask before the layer that leaves the sequence", model_.name(),
                                 to_string(batch.mask->shape()), each));
  const double whole = batch.mask ? std::max(1.0, batch.denominator) : static_cast<double>(batch.x.count() * each);
  for (Index i = 0; i < values.count(); ++i) {
    const Index sample = begin + i / each;
    const double weight = batch.weight.empty() ? 1 : batch.weight[static_cast<std::size_t>(sample)];
    const bool keep = !batch.mask || batch.mask->keep()[static_cast<std::size_t>(begin * each + i)];
    factors.mutable_data()[i] = keep ? static_cast<real>(weight / whole) : real(0);
  }
  return factors;
}

Tensor Trainer::prediction(const Samples& x, const Context& context) const {
  const Signal input = x.is_ids() ? Signal{x.ids(), {}} : Signal{Tensor(x.array()), {}};
  return std::get<Tensor>(model_.forward(input, context, fused_).value);
}

// Forward, and backward when training, over all shards. Adds loss and metrics; returns the predictions.
Array Trainer::pass(const Batch& batch, bool training, Means& means) {
  const Index samples = batch.x.count(), count = shards(samples);
  std::vector<double> losses(static_cast<std::size_t>(count));
  std::vector<Tensor> predictions(static_cast<std::size_t>(count));
  const Loss& loss = model_.compiled_->loss;
  shards_.run(count, samples, [&](Index shard, Index begin, Index end, Sink& sink) {
    std::optional<NoGrad> no_grad;
    if (!training) no_grad.emplace();
    const Context context{.training = training, .seed = model_.compiled_->seed, .step = model_.steps_, .first_sample = begin};
    const Samples target = batch.y.rows(begin, end);
    const Tensor output = prediction(batch.x.rows(begin, end), context);
    const Tensor values = fused_ ? loss.of_logits(output, target) : loss(output, target);
    const Array factors = scale(batch, values.shape(), begin);
    double sum = 0;
    for (Index i = 0; i < factors.count(); ++i) sum += static_cast<double>(values.value().data()[i]) * static_cast<double>(factors.data()[i]);
    losses[static_cast<std::size_t>(shard)] = sum;
    if (training) backward(fovea::sum(values * Tensor(factors)), sink);
    const NoGrad detached;
    predictions[static_cast<std::size_t>(shard)] = fused_ ? softmax(output.detach()) : output.detach();
  });
  if (training) shards_.reduce(count, parameters_);
  means.add("loss", std::accumulate(losses.begin(), losses.end(), 0.0), static_cast<double>(samples));
  const NoGrad no_grad;
  const Array gathered = concat(predictions, 0).value();
  add_metrics(batch, gathered, means);
  return gathered;
}

void Trainer::add_metrics(const Batch& batch, const Array& predictions, Means& means) const {
  for (const Metric& metric : model_.compiled_->metrics) {
    const Array values = metric(predictions, batch.y);
    const bool masked = batch.mask && batch.mask->count() == values.count();
    double sum = 0, counted = 0;
    for (Index i = 0; i < values.count(); ++i) {
      if (masked && !batch.mask->keep()[static_cast<std::size_t>(i)]) continue;
      sum += static_cast<double>(values.data()[i]);
      ++counted;
    }
    if (counted > 0) means.add(metric.name(), sum / counted, counted);
  }
}

std::vector<Index> Trainer::order(Index count, const FitOptions& options) const {
  std::vector<Index> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), Index(0));
  if (!options.shuffle) return positions;
  Rng random = Rng(model_.compiled_->seed).split("shuffle", model_.epochs_);
  for (Index i = count - 1; i > 0; --i) std::swap(positions[static_cast<std::size_t>(i)], positions[static_cast<std::size_t>(random.below(i + 1))]);
  return positions;
}

namespace {

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
  check_batch_size(model, options.batch_size);
}

}  // namespace

// One epoch: batches, validation, logs and progress.
void Trainer::epoch(const Samples& x, const Samples& y, const FitOptions& options, Index number) {
  const std::vector<Index> positions = order(x.count(), options);
  const Index batches = (x.count() + options.batch_size - 1) / options.batch_size;
  std::ostream& out = options.output ? *options.output : std::cout;
  std::optional<train::Progress> progress;
  if (options.verbose > 0)
    progress.emplace(out, train::ProgressOptions{.terminal = options.verbose == 1 && train::is_terminal(out), .epoch = number + 1, .epochs = options.epochs, .steps = batches});
  ++model_.epochs_;
  Means means;
  for (Index i = 0; i < batches; ++i) {
    const Index begin = i * options.batch_size, size = std::min(options.batch_size, x.count() - begin);
    pass(batch(x, y, options.sample_weight, std::span(positions).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size))), true, means);
    model_.compiled_->optimizer.step();
    ++model_.steps_;
    const Logs logs = means.logs();
    for (Callback* callback : options.callbacks) callback->on_batch_end(model_, i, logs);
    if (progress) progress->update(i + 1, progress_values(logs));
  }
  Logs logs = means.logs();
  if (options.validation_data)
    for (const auto& [name, value] : evaluate(options.validation_data->x, options.validation_data->y, options.batch_size)) logs["val_" + name] = value;
  if (progress) progress->finish(progress_values(logs));
  model_.history_.epoch.push_back(number);
  for (const auto& [name, value] : logs) model_.history_.history[name].push_back(value);
  for (Callback* callback : options.callbacks) callback->on_epoch_end(model_, number, logs);
}

History Trainer::fit(const Samples& x, const Samples& y, const FitOptions& options) {
  const parallel::FlushSubnormals flush;
  if (model_.steps_ == 0) model_.compiled_->optimizer.attach(parameters_);
  model_.history_ = {};
  for (Callback* callback : options.callbacks) callback->on_train_begin(model_);
  for (Index number = 0; number < options.epochs; ++number) {
    for (Callback* callback : options.callbacks) callback->on_epoch_begin(model_, number);
    epoch(x, y, options, number);
    if (std::ranges::any_of(options.callbacks, [](const Callback* callback) { return callback->wants_to_stop(); })) break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(model_);
  for (const NamedParameter& parameter : parameters_)
    if (parameter.tensor.requires_grad()) parameter.tensor.zero_grad();
  return model_.history_;
}

Logs Trainer::evaluate(const Samples& x, const Samples& y, Index batch_size) {
  const parallel::FlushSubnormals flush;
  Means means;
  std::vector<Index> positions(static_cast<std::size_t>(x.count()));
  std::iota(positions.begin(), positions.end(), Index(0));
  for (Index begin = 0; begin < x.count(); begin += batch_size) {
    const auto size = static_cast<std::size_t>(std::min(batch_size, x.count() - begin));
    pass(batch(x, y, {}, std::span(positions).subspan(static_cast<std::size_t>(begin), size)), false, means);
  }
  return means.logs();
}

Array Trainer::predict(const Samples& x, Index batch_size) {
  const parallel::FlushSubnormals flush;
  fused_ = false;
  std::vector<Tensor> parts;
  for (Index first = 0; first == 0 || first < x.count(); first += batch_size) {
    const Samples batch = x.rows(first, std::min(first + batch_size, x.count()));
    const Index count = shards(batch.count());
    const std::size_t before = parts.size();
    parts.resize(before + static_cast<std::size_t>(count));
    shards_.run(count, batch.count(), [&](Index shard, Index begin, Index end, Sink&) {
      const NoGrad no_grad;
      parts[before + static_cast<std::size_t>(shard)] = prediction(batch.rows(begin, end), Context{.first_sample = begin});
    });
  }
  const NoGrad no_grad;
  return concat(parts, 0).value();
}

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
    compiled_->loss.check(outputs_.back().inserted(0, x.count()), y);
  } catch (Error& error) {
    error.add_path(name_);
    throw;
  }
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
  if (kept == x.count()) return Trainer(*this).fit(x, y, options);
  FitOptions split = options;
  split.validation_data = Validation{x.rows(kept, x.count()), y.rows(kept, y.count())};
  if (!split.sample_weight.empty()) split.sample_weight.resize(static_cast<std::size_t>(kept));
  return Trainer(*this).fit(x.rows(0, kept), y.rows(0, kept), split);
}

Logs Sequential::evaluate(const Samples& x, const Samples& y, Index batch_size) const {
  check_ready("evaluate");
  if (!built_) throw StateError(fmt::format("{}: evaluate: it is not built; call fit, or build with the shape of a sample", name_));
  check_batch_size(name_, batch_size);
  check_data(x, y);
  return Trainer(const_cast<Sequential&>(*this)).evaluate(x, y, batch_size);
}

Array Sequential::predict(const Samples& x, Index batch_size) const {
  if (!built_) throw StateError(fmt::format("{}: predict: it is not built; call fit, or build with the shape of a sample", name_));
  check_batch_size(name_, batch_size);
  return Trainer(const_cast<Sequential&>(*this)).predict(x, batch_size);
}

}  // namespace fovea
