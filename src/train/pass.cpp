#include "train/pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

// What shards give, one behind the other along the first axis.
Array joined(const std::string& model, std::span<const Array> parts) {
  Index samples = 0;
  for (const Array& part : parts) {
    if (part.shape().rank() < 1) throw ShapeError(fmt::format("{}: its output for a batch is a single number; it must have a first axis, the samples", model));
    if (part.shape().without(0) != parts[0].shape().without(0))
      throw ShapeError(fmt::format("{}: its outputs for two parts of a batch are {} and {}; all sizes but the first, the samples, must be equal", model, to_string(parts[0].shape()),
                                   to_string(part.shape())));
    samples += part.shape()[0];
  }
  Array whole(parts[0].shape().with(0, samples));
  real* to = whole.mutable_data();
  for (const Array& part : parts) to = std::copy_n(part.data(), part.count(), to);
  return whole;
}

}  // namespace

Pass::Pass(const Sequential& model, Shards& shards) : model_(model), shards_(shards) {
  for (const Layer& layer : model.layers()) {
    dense_bytes_ += layer.dense_bytes();
    mixes_samples_ = mixes_samples_ || layer.mixes_samples();
  }
  const auto see = [this](const Shape& sample) {
    if (sample.rank() > 0) positions_ = std::max(positions_, sample.with(-1, 1).count());
  };
  see(model.input_);
  for (const Shape& output : model.outputs_) see(output);
  fused_ = model.compiled_ && model.compiled_->loss.takes_logits() && model.layers().back().ends_in_softmax();
}

Batch Pass::batch(const Samples& x, const Samples& y, const std::vector<double>& weight, std::span<const Index> positions) const {
  Batch batch{x.rows(positions), y.rows(positions), {}, {}};
  batch.weight.reserve(weight.empty() ? 0 : positions.size());
  if (!weight.empty())
    for (const Index i : positions) batch.weight.push_back(weight[static_cast<std::size_t>(i)]);
  batch.mask = model_.final_mask(batch.x);
  return batch;
}

// What each loss value of a shard is multiplied with, so that their sum over the batch is its mean loss: Keras divides by all
// values, or with a mask by those kept; sample weights do not change the denominator.
Array Pass::loss_factors(const Batch& batch, const Shape& values, Index begin, Index end) const {
  const Index samples = end - begin;
  if (values.rank() < 1 || values[0] != samples)
    throw ShapeError(fmt::format("{}: the loss gives values of shape {}; it must give one for each sample or position, and fit takes their mean", model_.name(), to_string(values)));
  Array factors(values);
  const Index each = values.count() / samples;
  if (batch.mask && batch.mask->count() != batch.x.count() * each)
    throw ShapeError(fmt::format("{}: the mask of the predictions is {}, and the loss gives {} values a sample; put a DropMask before the layer that leaves the sequence", model_.name(),
                                 to_string(batch.mask->shape()), each));
  const double whole = batch.mask ? static_cast<double>(std::max<Index>(1, batch.mask->kept())) : static_cast<double>(batch.x.count() * each);
  for (Index i = 0; i < values.count(); ++i) {
    const Index sample = begin + i / each;
    const double weight = batch.weight.empty() ? 1 : batch.weight[static_cast<std::size_t>(sample)];
    const bool keep = !batch.mask || batch.mask->keep()[static_cast<std::size_t>(begin * each + i)];
    factors.mutable_data()[i] = keep ? static_cast<real>(weight / whole) : real(0);
  }
  return factors;
}

Tensor Pass::prediction(const Samples& x, const Context& context, bool logits) const {
  return std::get<Tensor>(model_.forward(Sequential::signal(x), context, logits).value);
}

void Pass::run(const Batch& batch, bool training, Means& means) {
  const Index samples = batch.x.count(), shards = this->count(samples);
  memory::List<double> losses(static_cast<std::size_t>(shards));
  memory::List<Array> predictions(static_cast<std::size_t>(shards));
  const Loss& loss = model_.compiled_->loss;
  const bool is_measured = !model_.compiled_->metrics.empty();
  shards_.run(shards, samples, [&](Index shard, Index begin, Index end, Sink& sink) {
    std::optional<NoGrad> no_grad;
    if (!training) no_grad.emplace();
    const Context context{.training = training, .seed = model_.compiled_->seed, .step = model_.steps_, .first_sample = begin};
    const Samples target = batch.y.rows(begin, end);
    const Tensor output = prediction(batch.x.rows(begin, end), context, fused_);
    const Tensor values = fused_ ? loss.of_logits(output, target) : loss(output, target);
    const Array factors = loss_factors(batch, values.shape(), begin, end);
    double sum = 0;
    for (Index i = 0; i < factors.count(); ++i) sum += static_cast<double>(values.value().data()[i]) * static_cast<double>(factors.data()[i]);
    losses[static_cast<std::size_t>(shard)] = sum;
    if (training) backward(fovea::sum(values * Tensor(factors)), sink);
    if (!is_measured) return;
    const NoGrad detached;
    predictions[static_cast<std::size_t>(shard)] = fused_ ? softmax(output.detach()).value() : output.value();
  });
  if (training) shards_.reduce(shards, model_.learning_);
  means.add_loss(std::accumulate(losses.begin(), losses.end(), 0.0), static_cast<double>(samples));
  const NoGrad no_grad;
  if (is_measured) add_metrics(batch, joined(model_.name_, predictions), means);
}

void Pass::add_metrics(const Batch& batch, const Array& predictions, Means& means) const {
  const std::vector<Metric>& metrics = model_.compiled_->metrics;
  for (std::size_t which = 0; which < metrics.size(); ++which) {
    const Metric& metric = metrics[which];
    const Array values = metric(predictions, batch.y);
    if (values.shape().rank() < 1 || values.shape()[0] != batch.x.count())
      throw ShapeError(fmt::format("{}: {}: it gives values of shape {} for {} samples; it must give one for each sample or position",
                                   model_.name(), metric.name(), to_string(values.shape()), batch.x.count()));
    const bool masked = batch.mask && batch.mask->count() == values.count();
    double sum = 0, counted = 0;
    for (Index i = 0; i < values.count(); ++i) {
      if (masked && !batch.mask->keep()[static_cast<std::size_t>(i)]) continue;
      sum += static_cast<double>(values.data()[i]);
      ++counted;
    }
    if (counted > 0) means.add_metric(which, sum / counted, counted);
  }
}

Logs Pass::evaluate(const Samples& x, const Samples& y, Index batch_size) {
  const parallel::FlushSubnormals flush;
  Means means(*model_.compiled_);
  std::vector<Index> positions(static_cast<std::size_t>(x.count()));
  std::iota(positions.begin(), positions.end(), Index(0));
  for (Index begin = 0; begin < x.count(); begin += batch_size) {
    const auto size = static_cast<std::size_t>(std::min(batch_size, x.count() - begin));
    run(batch(x, y, {}, std::span(positions).subspan(static_cast<std::size_t>(begin), size)), false, means);
  }
  return means.logs();
}

Array Pass::predict(const Samples& x, Index batch_size) {
  const parallel::FlushSubnormals flush;
  memory::List<Array> parts;
  for (Index first = 0; first == 0 || first < x.count(); first += batch_size) {
    const Samples batch = x.rows(first, std::min(first + batch_size, x.count()));
    const Index count = this->count(batch.count());
    const std::size_t before = parts.size();
    parts.resize(before + static_cast<std::size_t>(count));
    shards_.run(count, batch.count(), [&](Index shard, Index begin, Index end, Sink&) {
      const NoGrad no_grad;
      parts[before + static_cast<std::size_t>(shard)] = prediction(batch.rows(begin, end), Context{.first_sample = begin}, false).value();
    });
  }
  return joined(model_.name_, parts);
}

}  // namespace fovea
