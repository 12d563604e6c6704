// The target and the predicted class of each position that counts.
#pragma once

#include <functional>

#include "fovea/train/metrics/classes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

/// Takes a target and a prediction, each a class or -1 for none, and how much they count.
using TakePair = std::function<void(Index label, Index predicted, double weight)>;

/// Returns the number of classes that predictions of a shape have.
inline Index classes_of(const ClassOptions& options, const Shape& prediction) {
  return prediction[-1] == 1 && options.both ? 2 : prediction[-1];
}

/// Calls `take` for what counts, as ClassOptions says. Throws as it says, before it takes anything.
void each_pair(std::string_view metric, const ClassOptions& options, const Array& prediction,
               const Samples& target, const CountedPositions& positions, const TakePair& take);

/// Returns the label of a target as a class. Throws IndexError unless it is one.
Index class_label(std::string_view metric, double label, Index position, Index classes);
/// Returns whether a yes-or-no target is yes. Throws ValueError for another number than 0 and 1.
bool is_yes(std::string_view metric, double target, Index position);

}  // namespace metrics

}}  // namespace fovea
