// The gradients of a step, cut.
//
// A norm has the same bits on any number of threads, and for a table by rows and in full: it is
// summed in double, row by row, and over rows along the binary tree of kernels/pairwise.hpp, in
// which rows that nobody touched are zeros.
#pragma once

#include <optional>
#include <vector>

#include "fovea/autograd/gradient.hpp"
#include "fovea/optim/slot_optimizer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What each slot's parameter is updated by: its own gradient, or one that is cut.
class ClippedGradients {
 public:
  /// Takes memory for what is cut. Throws MemoryError and std::bad_alloc. The slots must stay.
  ClippedGradients(const Clipping& clipping, const std::vector<SlotOptimizer::Slot>& slots);

  /// Returns the gradient of slot i.
  const Gradient& operator[](std::size_t i) const {
    return i < cut_.size() && cut_[i] ? *cut_[i] : slots_[i].parameter.gradient();
  }

 private:
  const std::vector<SlotOptimizer::Slot>& slots_;
  std::vector<std::optional<Gradient>> cut_;
};

}}  // namespace fovea
