#include "train/pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/masked.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// What shards give, one behind the other along the first axis.
Array joined(const std::string& model, std::span<const Array> parts) {
  Index samples = 0;
  for (const Array& part : parts) {
    if (part.shape().rank() < 1)
      throw ShapeError(fmt::format(
          "{}: its output for a batch is a single number; it must have a first axis, the samples",
          model));
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

}  // namespace

Pass::Pass(const Sequential& model, Shards& shards, std::span<const Shape> shapes)
    : model_(model), shards_(shards) {
  for (const Layer& layer : model.layers()) {
    dense_bytes_ += layer.dense_bytes();
    mixes_samples_ = mixes_samples_ || layer.mixes_samples();
  }
  const auto see = [this](const Shape& one) {
    if (one.rank() > 0) positions_ = std::max(positions_, one.with(-1, 1).count());
  };
  if (shapes.empty()) see(model.input_);
  for (const Shape& shape : shapes.empty() ? std::span<const Shape>(model.outputs_) : shapes)
    see(shape);
  const std::optional<Activation> last = model.layers()[model.last_layer()].last_activation();
  if (model.compiled_ && last && model.compiled_->loss.after() == last) fused_ = last;
}

Batch Pass::batch(const Samples& x, const Samples& y, const std::vector<double>& weight,
                  std::span<const Index> positions) const {
  memory::List<double> weights;
  weights.reserve(weight.empty() ? 0 : positions.size());
  if (!weight.empty())
    for (const Index i : positions) weights.push_back(weight[static_cast<std::size_t>(i)]);
  return batch(x.rows(positions), y.rows(positions), std::move(weights));
}

Batch Pass::batch(const Samples& x, const Samples& y, memory::List<double> weight) const {
  Batch batch{x, y, std::move(weight), model_.final_mask(x)};
  batch.counted = batch.mask ? batch.mask->kept() : x.count();
  if (mixes_samples_ || std::ranges::find(batch.weight, 0.0) == batch.weight.end()) return batch;
  memory::List<Index> taken;
  for (std::size_t i = 0; i < batch.weight.size(); ++i)
    if (batch.weight[i] != 0) taken.push_back(static_cast<Index>(i));
  batch.x = x.rows(taken);
  batch.y = y.rows(taken);
  if (batch.mask) batch.mask = batch.mask->rows(taken);
  std::erase(batch.weight, 0.0);
  return batch;
}

// How many values the loss gives for each sample of a shard: one or more for each position of the
// mask, if there is one.
Index Pass::values_each(const Batch& batch, const Shape& values, Index samples) const {
  if (values.rank() < 1 || values[0] != samples)
    throw ShapeError(
        fmt::format("{}: the loss gives values of shape {}; it must give one for each sample or "
                    "position, and fit takes their mean",
                    model_.name(), to_string(values)));
  const Index each = values.count() / samples;
  if (batch.mask && batch.mask->count() != batch.x.count() * each &&
      !lies_over(*batch.mask, values.with(0, batch.x.count())))
    throw ShapeError(
        fmt::format("{}: the mask of the predictions is {}, and the loss gives {} values a sample; "
                    "put a DropMask before the layer that leaves the sequence",
                    model_.name(), to_string(batch.mask->shape()), each));
  return each;
}

Tensor Pass::prediction(const Samples& x, const Context& context, bool logits) const {
  return std::get<Tensor>(model_.forward(Sequential::signal(x), context, logits).value);
}

namespace {

// The positions of a shard's predictions that count, where some do not: masked ones, and samples of
// weight 0 if they are in the batch.
std::optional<Mask> counted_positions(const Batch& batch, Index begin, Index end) {
  if (!batch.mask && std::ranges::find(batch.weight, 0.0) == batch.weight.end())
    return std::nullopt;
  const auto has_weight = [&](Index sample) {
    return batch.weight.empty() || batch.weight[static_cast<std::size_t>(sample)] != 0;
  };
  Mask keep = batch.mask ? batch.mask->rows(begin, end) : Mask(Shape{end - begin});
  if (!batch.mask) std::ranges::fill(keep.mutable_keep(), std::uint8_t(1));
  const Index each = keep.count() / (end - begin);
  for (Index sample = begin; sample < end; ++sample)
    if (!has_weight(sample))
      std::fill_n(keep.mutable_data() + (sample - begin) * each, each, std::uint8_t(0));
  return keep.kept() < keep.count() ? std::optional(std::move(keep)) : std::nullopt;
}

// The target with class 0 in the place of labels that do not count, which may be no classes.
Samples with_classes(Samples target, const Mask& keep) {
  if (!target.is_ids() || !lies_over(keep, target.shape())) return target;
  Ids labels(target.shape(), target.ids().values());
  const Index each = labels.count() / std::max<Index>(1, keep.count());
  for (Index i = 0; i < labels.count(); ++i)
    if (keep.data()[i / each] == 0) labels.mutable_data()[i] = 0;
  return labels;
}

// Whether a value of a metric counts. It is one of several at a position, or one for several
// positions, of which one must count.
bool value_counts(const Mask& keep, Index value, Index values) {
  if (values % keep.count() == 0) return keep.data()[value / (values / keep.count())] != 0;
  if (keep.count() % values != 0) return true;
  const Index each = keep.count() / values;
  return std::any_of(keep.data() + value * each, keep.data() + (value + 1) * each,
                     [](std::uint8_t kept) { return kept != 0; });
}

}  // namespace

// What does not count is selected away, not multiplied by 0, on the way there and on the way back:
// its prediction and its target may be NaN, its loss and the loss's own derivative infinite, and
// its prediction gets a gradient of exactly 0.
void Pass::run(const Batch& batch, bool training, Means& means) {
  const Index samples = batch.x.count(), shards = samples == 0 ? 0 : this->count(samples);
  memory::List<double> losses(static_cast<std::size_t>(shards));
  memory::List<Array> predictions(static_cast<std::size_t>(shards));
  const Loss& loss = model_.compiled_->loss;
  const bool is_measured = !model_.compiled_->metrics.empty();
  const auto counted = static_cast<double>(std::max<Index>(1, batch.counted));
  shards_.run(shards, samples, [&](Index shard, Index begin, Index end, Sink& sink) {
    std::optional<NoGrad> no_grad;
    if (!training) no_grad.emplace();
    const Context context{.training = training,
                          .seed = model_.compiled_->seed,
                          .step = model_.steps_,
                          .first_sample = begin};
    const Tensor output = prediction(batch.x.rows(begin, end), context, fused_.has_value());
    const std::optional<Mask> keep = counted_positions(batch, begin, end);
    const Samples rows = batch.y.rows(begin, end), target = keep ? with_classes(rows, *keep) : rows;
    const Tensor seen =
        keep && lies_over(*keep, output.shape()) ? select_gradient(output, *keep) : output;
    const Tensor values = fused_ ? loss.of_logits(seen, target) : loss(seen, target);
    const Index each = values_each(batch, values.shape(), end - begin);
    // A loss of several values a sample, or a position of the mask, is their mean.
    const Index positions = batch.mask ? batch.mask->count() / batch.x.count() : 1;
    const Index values_of_one = std::max<Index>(1, each / std::max<Index>(1, positions));
    const auto part = static_cast<double>(values_of_one);
    Array dvalues(values.shape());
    double sum = 0;
    for (Index i = 0; i < values.value().count(); ++i) {
      const double weight =
          batch.weight.empty() ? 1 : batch.weight[static_cast<std::size_t>(begin + i / each)];
      const bool counts =
          weight != 0 &&
          (!batch.mask || batch.mask->data()[(begin * each + i) / values_of_one] != 0);
      if (counts) sum += weight * static_cast<double>(values.value().data()[i]);
      dvalues.mutable_data()[i] = counts ? static_cast<real>(weight / (counted * part)) : real(0);
    }
    losses[static_cast<std::size_t>(shard)] = sum / part;
    if (training) backward(values, dvalues, sink);
    if (!is_measured) return;
    const NoGrad detached;
    predictions[static_cast<std::size_t>(shard)] =
        fused_ ? activate(output.detach(), *fused_).value() : output.value();
  });
  if (training) shards_.reduce(shards, model_.learning_);
  means.add_loss(std::accumulate(losses.begin(), losses.end(), 0.0),
                 static_cast<double>(batch.counted));
  const NoGrad no_grad;
  if (is_measured && samples > 0) add_metrics(batch, joined(model_.name_, predictions), means);
}

void Pass::add_metrics(const Batch& batch, const Array& predictions, Means& means) const {
  const std::vector<Metric>& metrics = model_.compiled_->metrics;
  const std::optional<Mask> keep = counted_positions(batch, 0, batch.x.count());
  const Samples target = keep ? with_classes(batch.y, *keep) : batch.y;
  for (std::size_t which = 0; which < metrics.size(); ++which) {
    const Metric& metric = metrics[which];
    const Array values = metric(predictions, target);
    if (values.shape().rank() < 1 || values.shape()[0] != batch.x.count())
      throw ShapeError(
          fmt::format("{}: {}: it gives values of shape {} for {} samples; it must give one for "
                      "each sample or position",
                      model_.name(), metric.name(), to_string(values.shape()), batch.x.count()));
    double sum = 0, counted = 0;
    for (Index i = 0; i < values.count(); ++i) {
      if (keep && !value_counts(*keep, i, values.count())) continue;
      sum += static_cast<double>(values.data()[i]);
      ++counted;
    }
    means.add_metric(which, sum, counted);
  }
}

Logs Pass::evaluate(const Samples& x, const Samples& y, const std::vector<double>& weight,
                    Index batch_size) {
  const parallel::FlushSubnormals flush;
  Means means(*model_.compiled_);
  std::vector<Index> positions(static_cast<std::size_t>(x.count()));
  std::iota(positions.begin(), positions.end(), Index(0));
  for (Index begin = 0; begin < x.count(); begin += batch_size) {
    const auto size = static_cast<std::size_t>(std::min(batch_size, x.count() - begin));
    run(batch(x, y, weight, std::span(positions).subspan(static_cast<std::size_t>(begin), size)),
        false, means);
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
      parts[before + static_cast<std::size_t>(shard)] =
          prediction(batch.rows(begin, end), Context{.first_sample = begin}, false).value();
    });
  }
  return joined(model_.name_, parts);
}

}}  // namespace fovea
