// What the calls of a model check before any work is done.
#pragma once

#include <vector>

#include "fovea/train/model.hpp"
#include "train/call_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Throws ShapeError unless there are as many targets as samples.
void check_counts(const CallName& call, const SampleSet& x, const SampleSet& y);

/// Throws ShapeError unless there are as many weights as samples, and ValueError for a weight out
/// of range. With `some`, throws ValueError if all weights are 0.
void check_weights(const CallName& call, const std::vector<double>& weight, Index samples,
                   bool some);

/// Throws ValueError unless the size is at least 1.
void check_batch_size(const CallName& call, Index batch_size);

/// Throws ValueError for options of fit that are out of range.
void check_options(const CallName& call, const FitOptions& options);

}}  // namespace fovea
