// Lengths of padded sequences, and batches that are cut to their longest sequence.
#pragma once

#include <vector>

#include "fovea/data/batch_order.hpp"
#include "fovea/data/dataset.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns the length of each sample: of its longest input of those that `order` names, at least 1.
/// Throws IndexError for an input that is not there, and ShapeError for one without a time axis.
std::vector<Index> lengths_of(const SampleSet& x, const BucketByLength& order);

/// Returns the lengths of all samples of a dataset, which are read unless the dataset knows them.
std::vector<Index> lengths_of(const Dataset& data, const BucketByLength& order);

/// Cuts the inputs and targets that `order` names to the longest sample.
void cut_to_longest(SampleBatch& batch, const BucketByLength& order);

}}  // namespace fovea
