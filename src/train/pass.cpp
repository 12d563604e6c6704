#include "train/pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/masked.hpp"
#include "train/output_loss.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The range of a shard's samples, and their outputs, losses and predictions.
struct Pass::Part {
  Index begin = 0, end = 0;
  memory::List<Output> outputs = {};
  memory::List<double> losses = {};      // of each output: a sum
  memory::List<Array> predictions = {};  // of each output that is measured
};

namespace {

// Returns the masks of shards, concatenated along the first axis.
std::optional<Mask> joined(const char* model, std::span<const std::optional<Mask>> parts) {
  Index samples = 0;
  for (const std::optional<Mask>& part : parts) {
    if (!part) return std::nullopt;
    if (part->shape().rank() < 1 || parts[0]->shape().without(0) != part->shape().without(0))
      throw ShapeError(fmt::format(
          "{}: the masks of two parts of a batch are {} and {}; all sizes but the first, the "
          "samples, must be equal",
          model, to_string(parts[0]->shape()), to_string(part->shape())));
    samples += part->shape()[0];
  }
  Mask whole(parts[0]->shape().with(0, samples));
  std::uint8_t* to = whole.mutable_data();
  for (const std::optional<Mask>& part : parts) to = std::copy_n(part->data(), part->count(), to);
  return whole;
}

Counted counted(std::optional<Mask> mask, Index samples) {
  const Index count = mask ? mask->kept() : samples;
  return {std::move(mask), count};
}

}  // namespace

Array joined(const char* model, std::span<const Array> parts) {
  Index samples = 0;
  for (const Array& part : parts) {
    if (part.shape().rank() < 1)
      throw ShapeError(fmt::format(
          "{}: its output for a batch is a scalar; it must have a first axis, the samples", model));
    if (part.shape().without(0) != parts[0].shape().without(0))
      throw ShapeError(
          fmt::format("{}: its outputs for two parts of a batch are {} and {}; all sizes but the "
                      "first, the samples, must be equal",
                      model, to_string(parts[0].shape()), to_string(part.shape())));
    samples += part.shape()[0];
  }
  Array whole(parts[0].shape().with(0, samples));
  real* to = whole.mutable_data();
  for (const Array& part : parts) to = std::copy_n(part.data(), part.count(), to);
  return whole;
}

Signals signals(const SampleSet& x) {
  Signals result;
  result.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Samples& samples = x[i].samples;
    if (samples.is_ids())
      result.push_back({samples.ids(), x[i].mask});
    else
      result.push_back({Tensor(samples.array()), x[i].mask});
  }
  return result;
}

Pass::Pass(const PassOptions& options, Shards& shards, std::span<const Shape> shapes)
    : options_(options),
      shards_(shards),
      dense_bytes_(options.network.dense_bytes()),
      mixes_samples_(options.network.samples_mix()) {
  for (const Shape& one : shapes)
    if (one.rank() > 0) positions_ = std::max(positions_, one.with(-1, 1).count());
  if (!options_.outputs) return;
  for (const OutputOptions& output : *options_.outputs) {
    const std::optional<Activation> after = output.loss.after();
    wanted_.push_back(after && options_.network.may_end_in(*after) ? after : std::nullopt);
  }
}

Batch Pass::batch(const SampleSet& x, const SampleSet& y, const std::vector<double>& weight,
                  std::span<const Index> positions) const {
  memory::List<double> weights;
  weights.reserve(weight.empty() ? 0 : positions.size());
  if (!weight.empty())
    for (const Index i : positions) weights.push_back(weight[static_cast<std::size_t>(i)]);
  return batch(x.rows(positions), y.rows(positions), std::move(weights));
}

Batch Pass::batch(const SampleSet& x, const SampleSet& y, memory::List<double> weight) const {
  Batch batch{x, y, std::move(weight), x.count()};
  if (!options_.network.masks_come_late()) {
    memory::List<std::optional<Mask>> masks = options_.network.masks(signals(x));
    for (std::size_t o = 0; o < masks.size(); ++o)
      batch.counted.push_back(counted(y[o].mask ? y[o].mask : std::move(masks[o]), x.count()));
  }
  const bool all = mixes_samples_ || options_.network.masks_come_late();
  if (all || std::ranges::find(batch.weight, 0.0) == batch.weight.end()) return batch;
  memory::List<Index> taken;
  for (std::size_t i = 0; i < batch.weight.size(); ++i)
    if (batch.weight[i] != 0) taken.push_back(static_cast<Index>(i));
  batch.x = x.rows(taken);
  batch.y = y.rows(taken);
  for (Counted& each : batch.counted)
    if (each.mask) each.mask = each.mask->rows(taken);
  std::erase(batch.weight, 0.0);
  return batch;
}

Context Pass::context(bool training, Index first_sample) const {
  Context context{.training = training, .seed = options_.seed, .first_sample = first_sample};
  if (options_.step) context.step = *options_.step;
  if (options_.hooks) context.hooks = *options_.hooks;
  return context;
}

void Pass::forward(const Batch& batch, Index begin, Index end, bool training,
                   memory::List<Output>& outputs) const {
  options_.network.call(signals(batch.x.rows(begin, end)), context(training, batch.first + begin),
                        wanted_, outputs);
}

// Returns the prediction of an output. If only the logits were computed, activates the logits.
Array Pass::prediction(std::size_t output, const Output& result) const {
  const auto* const tensor = std::get_if<Tensor>(&result.signal.value);
  if (tensor && tensor->defined()) return tensor->value();
  const NoGrad detached;
  return activate(result.logits.detach(), *wanted_[output]).value();
}

// Returns the positions that count, where the masks come with the outputs of all shards.
memory::List<Counted> Pass::late_counts(const Batch& batch, const memory::List<Part>& parts) const {
  memory::List<Counted> result;
  for (std::size_t o = 0; o < options_.outputs->size(); ++o) {
    memory::List<std::optional<Mask>> masks;
    for (const Part& part : parts) {
      masks.push_back(part.outputs[o].signal.mask);
      const auto& mask = masks.back();
      if (mask && (mask->shape().rank() < 1 || mask->shape()[0] != part.end - part.begin))
        throw ShapeError(fmt::format("{}: the mask of an output is {}, for {} samples", name(),
                                     to_string(mask->shape()), part.end - part.begin));
    }
    std::optional<Mask> mask = batch.y[o].mask;
    if (!mask && !masks.empty()) mask = joined(name(), masks);
    result.push_back(counted(std::move(mask), batch.samples));
  }
  return result;
}

// Computes the losses of a shard's outputs and, when training, the gradients of the losses.
void Pass::differentiate(const Batch& batch, const memory::List<Counted>& counted, Part& part,
                         bool training, Sink& sink) const {
  const std::size_t outputs = options_.outputs->size();
  std::optional<NoGrad> no_grad;
  if (!training) no_grad.emplace();
  Tensor total;
  for (std::size_t o = 0; o < outputs; ++o) {
    const OutputOptions& options = (*options_.outputs)[o];
    const OutputLoss loss =
        output_loss(name(), options,
                    {batch.y[o].samples, batch.weight, counted[o],
                     batch.divisors.empty() ? counted[o].count : batch.divisors[o], batch.count(),
                     part.begin, part.end},
                    part.outputs[o]);
    part.losses.push_back(loss.sum);
    if (Means::has_metrics(options))
      part.predictions.push_back(prediction(o, part.outputs[o]));
    else
      part.predictions.emplace_back();
    // Weight 0 times a derivative that is not finite would be NaN.
    if (!training || options.weight == 0) continue;
    if (outputs == 1) {
      backward(loss.values, loss.gradient, sink);
    } else {
      const Tensor weighted = sum(loss.values * Tensor(loss.gradient));
      total = total.defined() ? total + weighted : weighted;
    }
  }
  if (total.defined()) backward(total, Array::full(total.shape(), 1), sink);
  part.outputs.clear();
}

void Pass::run(const Batch& batch, bool training, Means& means) {
  const Index samples = batch.count(), shards = samples == 0 ? 0 : this->count(samples);
  memory::List<Part> parts(static_cast<std::size_t>(shards));
  const bool late = options_.network.masks_come_late();
  const auto call = [&](Index shard, Index begin, Index end) {
    std::optional<NoGrad> no_grad;
    if (!training) no_grad.emplace();
    Part& part = parts[static_cast<std::size_t>(shard)];
    part.begin = begin;
    part.end = end;
    forward(batch, begin, end, training, part.outputs);
  };
  memory::List<Counted> counted = batch.counted;
  if (late) {
    shards_.run(shards, samples,
                [&](Index shard, Index begin, Index end, Sink&) { call(shard, begin, end); });
    counted = late_counts(batch, parts);
  }
  shards_.run(shards, samples, [&](Index shard, Index begin, Index end, Sink& sink) {
    if (!late) call(shard, begin, end);
    differentiate(batch, counted, parts[static_cast<std::size_t>(shard)], training, sink);
  });
  if (training) shards_.reduce(shards, *options_.learning);
  for (std::size_t o = 0; o < options_.outputs->size(); ++o) {
    double sum = 0;
    for (const Part& part : parts) sum += part.losses[o];
    means.add_loss(o, sum, static_cast<double>(counted[o].count));
    if (!Means::has_metrics((*options_.outputs)[o]) || samples == 0) continue;
    memory::List<Array> predictions;
    for (Part& part : parts) predictions.push_back(std::move(part.predictions[o]));
    const NoGrad no_grad;
    add_metrics(batch, counted, o, joined(name(), predictions), means);
  }
}

memory::List<Index> Pass::counts(const Batch& batch) {
  memory::List<Part> parts;
  const bool late = batch.counted.empty();
  if (late) {
    const NoGrad no_grad;
    const Index shards = batch.count() == 0 ? 0 : count(batch.count());
    parts.resize(static_cast<std::size_t>(shards));
    shards_.run(shards, batch.count(), [&](Index shard, Index begin, Index end, Sink&) {
      Part& part = parts[static_cast<std::size_t>(shard)];
      part.begin = begin;
      part.end = end;
      forward(batch, begin, end, true, part.outputs);
    });
  }
  memory::List<Index> result;
  for (const Counted& each : late ? late_counts(batch, parts) : batch.counted)
    result.push_back(each.count);
  return result;
}

void Pass::add_metrics(const Batch& batch, const memory::List<Counted>& counted, std::size_t output,
                       const Array& predictions, Means& means) const {
  const LossRows rows{
      batch.y[output].samples, batch.weight, counted[output], 1, batch.count(), 0, batch.count()};
  const std::optional<Mask> keep = counted_positions(rows);
  const Samples target = keep ? with_classes(rows.target, *keep) : rows.target;
  const CountedPositions counts = keep ? CountedPositions(*keep) : CountedPositions();
  try {
    means.add_metrics(output, predictions, target, counts, CountedPositions(keep, batch.weight));
  } catch (Error& error) {
    if (error.path().empty()) error.add_path(name());
    throw;
  }
}

std::vector<Array> Pass::predict(const SampleSet& x, Index batch_size) {
  const parallel::FlushSubnormals flush;
  const std::size_t outputs = options_.network.outputs().size();
  memory::List<memory::List<Array>> parts(outputs);
  for (Index first = 0; first == 0 || first < x.count(); first += batch_size) {
    const Batch batch{x.rows(first, std::min(first + batch_size, x.count())), x};
    const Index count = this->count(batch.count());
    const std::size_t before = parts[0].size();
    for (auto& of_output : parts) of_output.resize(before + static_cast<std::size_t>(count));
    shards_.run(count, batch.count(), [&](Index shard, Index begin, Index end, Sink&) {
      const NoGrad no_grad;
      memory::List<Output> results;
      options_.network.call(signals(batch.x.rows(begin, end)), context(false, begin), {}, results);
      for (std::size_t o = 0; o < outputs; ++o)
        parts[o][before + static_cast<std::size_t>(shard)] = results[o].signal.tensor().value();
    });
  }
  std::vector<Array> result;
  for (const auto& of_output : parts) result.push_back(joined(name(), of_output));
  return result;
}

memory::List<std::optional<Mask>> Pass::late_masks(const SampleSet& x) {
  constexpr Index at_once = 32;
  const NoGrad no_grad;
  memory::List<memory::List<std::optional<Mask>>> parts(options_.network.outputs().size());
  for (Index first = 0; first < x.count(); first += at_once) {
    memory::List<Output> results;
    options_.network.call(signals(x.rows(first, std::min(first + at_once, x.count()))), Context{},
                          {}, results);
    for (std::size_t o = 0; o < parts.size(); ++o) parts[o].push_back(results[o].signal.mask);
  }
  memory::List<std::optional<Mask>> result;
  for (const auto& of_output : parts) result.push_back(joined(name(), of_output));
  return result;
}

}}  // namespace fovea
