#include "train/output_loss.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/masked.hpp"
#include "train/pass.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Returns the number of values that the loss gives for each sample of a shard. With a mask, there
// are one or more for each position of the mask.
Index values_each(const char* model, const LossRows& rows, const Shape& values) {
  const Index samples = rows.end - rows.begin;
  if (values.rank() < 1 || values[0] != samples)
    throw ShapeError(
        fmt::format("{}: the loss gives values of shape {}; it must give one for each sample or "
                    "position, and fit takes their mean",
                    model, to_string(values)));
  const Index each = values.count() / samples;
  const std::optional<Mask>& mask = rows.counted.mask;
  if (mask && mask->count() != rows.samples * each &&
      !lies_over(*mask, values.with(0, rows.samples)))
    throw ShapeError(
        fmt::format("{}: the mask of the predictions is {}, and the loss gives {} values a sample; "
                    "put a DropMask before the layer that removes the time axis",
                    model, to_string(mask->shape()), each));
  return each;
}

}  // namespace

std::optional<Mask> counted_positions(const LossRows& rows) {
  const std::optional<Mask>& mask = rows.counted.mask;
  if (!mask && std::ranges::find(rows.weight, 0.0) == rows.weight.end()) return std::nullopt;
  const Index samples = rows.end - rows.begin;
  const auto has_weight = [&](Index sample) {
    return rows.weight.empty() || rows.weight[static_cast<std::size_t>(sample)] != 0;
  };
  Mask keep = mask ? mask->rows(rows.begin, rows.end) : Mask(Shape{samples});
  if (!mask) std::ranges::fill(keep.mutable_keep(), std::uint8_t(1));
  const Index each = keep.count() / samples;
  for (Index sample = rows.begin; sample < rows.end; ++sample)
    if (!has_weight(sample))
      std::fill_n(keep.mutable_data() + (sample - rows.begin) * each, each, std::uint8_t(0));
  return keep.kept() < keep.count() ? std::optional(std::move(keep)) : std::nullopt;
}

Samples with_classes(Samples target, const Mask& keep) {
  if (!target.is_ids() || !lies_over(keep, target.shape())) return target;
  Ids labels(target.shape(), target.ids().values());
  const Index each = labels.count() / std::max<Index>(1, keep.count());
  for (Index i = 0; i < labels.count(); ++i)
    if (keep.data()[i / each] == 0) labels.mutable_data()[i] = 0;
  return labels;
}

OutputLoss output_loss(const char* model, const OutputOptions& options, const LossRows& rows,
                       const Output& result) {
  const std::optional<Mask> keep = counted_positions(rows);
  const Samples given = rows.target.rows(rows.begin, rows.end),
                target = keep ? with_classes(given, *keep) : given;
  const bool by_logits = result.logits.defined();
  const Tensor& output = by_logits ? result.logits : result.signal.tensor();
  const Tensor seen =
      keep && lies_over(*keep, output.shape()) ? select_gradient(output, *keep) : output;
  OutputLoss loss{
      by_logits ? options.loss.of_logits(seen, target) : options.loss(seen, target), {}, 0};
  const Index each = values_each(model, rows, loss.values.shape());
  // The loss of a sample, or of a position of the mask, is the mean of its values.
  const std::optional<Mask>& mask = rows.counted.mask;
  const Index positions = mask ? mask->count() / rows.samples : 1;
  const Index values_of_one = std::max<Index>(1, each / std::max<Index>(1, positions));
  const auto part = static_cast<double>(values_of_one),
             counted = static_cast<double>(std::max<Index>(1, rows.divisor));
  loss.gradient = Array(loss.values.shape());
  const Array& values = loss.values.value();
  for (Index i = 0; i < values.count(); ++i) {
    const double weight =
        rows.weight.empty() ? 1 : rows.weight[static_cast<std::size_t>(rows.begin + i / each)];
    const bool counts =
        weight != 0 && (!mask || mask->data()[(rows.begin * each + i) / values_of_one] != 0);
    if (counts) loss.sum += weight * static_cast<double>(values.data()[i]);
    loss.gradient.mutable_data()[i] =
        counts ? static_cast<real>(options.weight * weight / (counted * part)) : real(0);
  }
  loss.sum /= part;
  return loss;
}

}}  // namespace fovea
