// Weights of classes, as weights of samples.
#pragma once

#include <map>

#include "fovea/data/sample_set.hpp"
#include "train/call_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Throws ValueError for a class below 0, for a weight that is not finite and at least 0, and for a
/// model with several outputs.
void check_class_weight(const CallName& call, const std::map<Index, double>& class_weight,
                        std::size_t outputs);

/// Multiplies the weight of each sample by that of its class; a class that is not listed has weight
/// 1. `output` is the shape of all predictions. Throws ShapeError unless targets are one label or
/// one row of classes for each sample, and IndexError for a label that is no class.
void weigh_classes(const CallName& call, const std::map<Index, double>& class_weight,
                   const Samples& target, const Shape& output, std::vector<double>& weight);

/// Throws ValueError where no sample counts any more.
void check_some_count(const CallName& call, const std::vector<double>& weight);

}}  // namespace fovea
