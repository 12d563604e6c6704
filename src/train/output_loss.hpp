// The loss of one output for the samples of a shard, and which of its values count.
#pragma once

#include "fovea/nn/network.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

struct Counted;

/// The targets of a batch's output, of which a shard has samples [begin, end).
struct LossRows {
  const Samples& target;
  const memory::List<double>& weight;  // of the samples; empty: all 1
  const Counted& counted;
  Index samples;  // in the batch
  Index begin, end;
};

/// What a shard's loss is.
struct OutputLoss {
  Tensor values;   // one for each sample or position
  Array gradient;  // of the batch's mean loss with respect to them
  double sum;      // of the values that count, by weight
};

/// What does not count is selected away, not multiplied by 0, on the way there and on the way back:
/// its prediction and its target may be NaN, its loss and the loss's own derivative infinite, and
/// its prediction gets a gradient of exactly 0.
OutputLoss output_loss(const char* model, const OutputOptions& options, const LossRows& rows,
                       const Output& output);

/// The positions of a shard's predictions that count, where some do not: masked ones, and samples
/// of weight 0 if they are in the batch.
std::optional<Mask> counted_positions(const LossRows& rows);

/// The target with class 0 in the place of labels that do not count, which may be no classes.
Samples with_classes(Samples target, const Mask& keep);

}}  // namespace fovea
