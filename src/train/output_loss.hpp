// The loss of one output for the samples of a shard, and the values that count.
#pragma once

#include "fovea/nn/network.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

struct Counted;

/// The targets of an output for a batch. A shard has samples [begin, end) of them.
struct LossRows {
  const Samples& target;
  const memory::List<double>& weight;  // of the samples; empty: all 1
  const Counted& counted;
  Index divisor;  // of the gradient: the count of the batch, or of all batches of the update
  Index samples;  // in the batch
  Index begin, end;
};

/// The loss of a shard.
struct OutputLoss {
  Tensor values;   // one for each sample or position
  Array gradient;  // of the mean loss with respect to them
  double sum;      // of the values that count, by weight
};

/// Returns the loss of a shard. Selects the values that count rather than multiplying the others by
/// 0, forward and backward. A position that does not count may have NaN as prediction or target, or
/// an infinite loss or derivative. The gradient of its prediction is exactly 0.
OutputLoss output_loss(const char* model, const OutputOptions& options, const LossRows& rows,
                       const Output& output);

/// Returns the positions of a shard's predictions that count, or nothing if all count. Masked
/// positions do not count, nor do samples of weight 0, if such samples are in the batch.
std::optional<Mask> counted_positions(const LossRows& rows);

/// Returns the target with class 0 for labels that do not count. Such labels may be out of range.
Samples with_classes(Samples target, const Mask& keep);

}}  // namespace fovea
