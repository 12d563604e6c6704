// A learning rate to begin with.
#pragma once

#include <optional>
#include <vector>

#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What find_learning_rate takes.
struct FindLearningRateOptions {
  double low = 1e-7;       ///< the rate of the first batch
  double high = 10;        ///< the rate of the last batch
  Index steps = 100;       ///< batches, one a rate; at least 10
  Index batch_size = 32;   ///< samples in a batch
  double smoothing = 0.9;  ///< share of the mean so far in the smoothed loss; at least 0, below 1
  double divergence = 4;   ///< how many times its lowest value ends the sweep; above 1
  std::uint64_t seed = 0;  ///< of the order of the samples
  std::vector<double> sample_weight = {};  ///< one for each sample, as in fit; none: all 1
};

/// What find_learning_rate has seen.
struct RateSweep {
  std::vector<double> rates;         ///< of each step, ascending
  std::vector<double> losses;        ///< of each batch, before its step
  std::vector<double> smoothed;      ///< exponential means of the losses, without their bias to 0
  std::optional<double> suggestion;  ///< a rate to begin with; none where the loss did not fall
  bool diverged = false;             ///< whether the sweep ended early
};

/// Trains on a few batches with rates that rise from `low` to `high` by a constant factor, and
/// suggests the one at which the smoothed loss falls most steeply over the logarithm of the rate,
/// after the first tenth and before its lowest value. The sweep is the range test of Smith,
/// "Cyclical learning rates for training neural networks" (2017); the suggestion and the smoothing
/// are those of fastai's and Lightning's `lr_find`. It ends early where the loss is not finite, or
/// above `divergence` times its lowest smoothed value.
///
/// Weights, optimiser, history and counters are put back, so that the training that follows has the
/// same bits as without the sweep; also where an exception ends it. A model that is not built is
/// built, as fit would. `rate_sweep_svg` draws the result.
///
/// Throws as fit does, ValueError for options out of range, and StateError while fit runs, for an
/// optimiser without state, and for one that is attached to another model.
RateSweep find_learning_rate(Model& model, const SampleSet& x, const SampleSet& y,
                             const FindLearningRateOptions& options = {});

}}  // namespace fovea
