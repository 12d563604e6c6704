// What the calls of a model check before any work is done.
#include "train/checks.hpp"
#include "train/class_weight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/located.hpp"
#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void check_counts(const CallName& call, const SampleSet& x, const SampleSet& y) {
  if (x.count() != y.count())
    throw ShapeError(fmt::format("{}: x holds {} samples, y holds {}; the numbers must be equal",
                                 call.text(), x.count(), y.count()));
}

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

namespace {

void check_order(const CallName&, const ShuffleAll&, const FitOptions&) {}

void check_order(const CallName& call, const ShuffleInBlocks& order, const FitOptions& options) {
  if (order.block_size < 1 || order.blocks_together < 1)
    throw ValueError(fmt::format(
        "{}: order is ShuffleInBlocks with {} samples in a block and {} blocks together; both must "
        "be at least 1",
        call.text(), order.block_size, order.blocks_together));
  if (!options.shuffle)
    throw ValueError(
        fmt::format("{}: order is ShuffleInBlocks, and shuffle is false; give one", call.text()));
}

void check_order(const CallName& call, const BucketByLength& order, const FitOptions&) {
  if (order.window < 1)
    throw ValueError(
        fmt::format("{}: order is BucketByLength with a window of {} batches; it must "
                    "be at least 1",
                    call.text(), order.window));
  if (order.inputs.empty())
    throw ValueError(
        fmt::format("{}: order is BucketByLength without inputs; name one", call.text()));
  for (std::size_t i = 0; i < order.boundaries.size(); ++i)
    if (order.boundaries[i] < (i == 0 ? 1 : order.boundaries[i - 1] + 1))
      throw ValueError(fmt::format(
          "{}: order is BucketByLength with boundary {} at position {}; boundaries must be at "
          "least 1 and ascend",
          call.text(), order.boundaries[i], i));
}

}  // namespace

void check_options(const CallName& call, const FitOptions& options) {
  if (options.epochs < 1)
    throw ValueError(
        fmt::format("{}: epochs is {}; it must be at least 1", call.text(), options.epochs));
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(fmt::format("{}: validation_split is {}; it must be at least 0 and below 1",
                                 call.text(), options.validation_split));
  if (options.validation_split > 0 && options.validation_data)
    throw ValueError(fmt::format(
        "{}: both validation_data and validation_split are given; give one", call.text()));
  for (auto callback = options.callbacks.begin(); callback != options.callbacks.end(); ++callback) {
    const auto i = callback - options.callbacks.begin();
    if (!*callback)
      throw ValueError(fmt::format("{}: callback {} is null; leave it out", call.text(), i));
    if (std::find(options.callbacks.begin(), callback, *callback) != callback)
      throw ValueError(
          fmt::format("{}: callback {} is one of those before it; give it once", call.text(), i));
  }
  if (const auto& given = options.validation_data) {
    if (given->dataset && given->x.size() + given->y.size() + given->sample_weight.size() > 0)
      throw ValueError(
          fmt::format("{}: validation_data has both a dataset and arrays; give one", call.text()));
    if (!given->dataset && given->x.count() == 0)
      throw ValueError(fmt::format("{}: validation_data holds no samples", call.text()));
  }
  if (options.verbose < 0 || options.verbose > 2)
    throw ValueError(
        fmt::format("{}: verbose is {}; it must be 0, 1 or 2", call.text(), options.verbose));
  check_batch_size(call, options.batch_size);
  if (options.gradient_accumulation_steps < 1)
    throw ValueError(fmt::format("{}: gradient_accumulation_steps is {}; it must be at least 1",
                                 call.text(), options.gradient_accumulation_steps));
  if (options.prefetch < 0)
    throw ValueError(fmt::format("{}: prefetch is {}; it must be at least 0, and 0 is without",
                                 call.text(), options.prefetch));
  std::visit([&](const auto& order) { check_order(call, order, options); }, options.order);
}

void refuse_steps(const CallName& call, const FitOptions& options) {
  if (options.steps_per_epoch != 0)
    throw ValueError(fmt::format(
        "{}: steps_per_epoch is {}; it is for GeneratedBatches, and an epoch of samples that have "
        "a number is all of them; leave it out",
        call.text(), options.steps_per_epoch));
}

void refuse_weights(const CallName& call, const FitOptions& options, const std::string& data) {
  if (!options.sample_weight.empty())
    throw ValueError(
        fmt::format("{}: sample_weight is given for {}; return the weights with its batches",
                    call.text(), data));
}

void check_generated(const CallName& call, const FitOptions& options, const std::string& data) {
  if (options.steps_per_epoch < 1)
    throw ValueError(fmt::format(
        "{}: steps_per_epoch is {}; {} has no end, so give the batches of an epoch, at least 1",
        call.text(), options.steps_per_epoch, data));
  if (options.validation_split > 0)
    throw ValueError(
        fmt::format("{}: validation_split is {}, and {} has no last samples; give validation_data",
                    call.text(), options.validation_split, data));
  if (std::holds_alternative<ShuffleInBlocks>(options.order))
    throw ValueError(
        fmt::format("{}: order is ShuffleInBlocks, and {} has no blocks; its function decides what "
                    "a batch has",
                    call.text(), data));
}

void Trainer::check_fit(const CallName& call, const FitOptions& options) const {
  check_ready("fit");
  refuse_while_fit(call.text());
  check_options(call, options);
  check_class_weight(call, options.class_weight, network->outputs().size());
}

// Returns the outputs of layers for one sample of these.
const std::vector<Trace::Output>& Trainer::traced(const Given& data) const {
  return data.traced.empty() ? network->traced() : data.traced;
}

// Returns the shape of the last output for these samples.
Shape Trainer::output_shape(const Given& data) const {
  return traced(data).back().shape.inserted(0, data.x.count());
}

std::unique_ptr<BatchSource> dataset_source(const CallName& call, const Dataset& data,
                                            SourceOptions options) {
  const Index count = data.count();
  if (count < 1) throw ValueError(fmt::format("{}: {} has no samples", call.text(), data.name()));
  return std::make_unique<DatasetSource>(data, 0, count, std::move(options));
}

std::unique_ptr<BatchSource> generated_source(const CallName& call, const GeneratedBatches& batches,
                                              Index steps, SourceOptions options) {
  if (steps < 1)
    throw ValueError(
        fmt::format("{}: the number of steps is {}; {} has no end, so give how many "
                    "batches to use, at least 1",
                    call.text(), steps, batches.name()));
  return std::make_unique<GeneratedSource>(batches, steps, std::move(options));
}

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
  check_inputs(call, data.x);
  data.traced = traced(call, data.x);
  check_targets(call, data);
}

void Trainer::check_inputs(const CallName& call, const SampleSet& x) const {
  located([&] { return call.path(); }, [&] { network->check(signals(x)); });
}

// Checks targets, where `data.traced` is known.
void Trainer::check_targets(const CallName& call, const Given& data) const {
  const std::vector<Trace::Output>& outputs = traced(data);
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
        outputs[outputs.size() - data.y.size() + o].shape.inserted(0, data.x.count());
    const OutputOptions& options = compiled->outputs[o];
    const auto path = [&] { return call.path() + (data.y.size() > 1 ? "/" + options.name : ""); };
    located(path, [&] {
      options.loss.check(prediction, target, std::cref(counts));
      for (const auto* metrics : {&options.metrics, &options.weighted_metrics})
        for (const Metric& metric : *metrics) metric.check(prediction, target);
    });
  }
}

}}  // namespace fovea
