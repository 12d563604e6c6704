// Loops over the elements of several operands at once.
#pragma once

#include "fovea/shape/view.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// The axes of operands, repeated ones included, with neighbours merged where all operands allow
/// it, so that the innermost axis is as long as can be.
template <int Operands>
struct Loop {
  int axes = 0;
  std::array<Index, Shape::max_rank> sizes = {};
  std::array<Strides, Operands> strides = {};

  Loop(const Shape& shape, const std::array<Strides, Operands>& given) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const auto here = static_cast<std::size_t>(axis);
      if (shape[axis] == 1) continue;
      const auto last = static_cast<std::size_t>(axes - 1);
      bool merges = axes > 0;
      for (std::size_t k = 0; merges && k < Operands; ++k)
        merges = strides[k][last] == given[k][here] * shape[axis];
      if (!merges) ++axes;
      const auto target = static_cast<std::size_t>(axes - 1);
      sizes[target] = merges ? sizes[target] * shape[axis] : shape[axis];
      for (std::size_t k = 0; k < Operands; ++k) strides[k][target] = given[k][here];
    }
    if (axes == 0) {
      axes = 1;
      sizes[0] = 1;
    }
  }

  /// The size of the innermost axis, and an operand's stride along it.
  Index inner() const { return sizes[static_cast<std::size_t>(axes - 1)]; }
  Index stride(int operand) const {
    return inner() == 1
               ? 1
               : strides[static_cast<std::size_t>(operand)][static_cast<std::size_t>(axes - 1)];
  }

  /// Calls row(offsets of the operands) for each run of the innermost axis, in parallel.
  template <class Row>
  void run(const Row& row) const {
    Index rows = 1;
    for (int axis = 0; axis + 1 < axes; ++axis) rows *= sizes[static_cast<std::size_t>(axis)];
    parallel::for_range(rows, parallel::grain(inner()), [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        std::array<Index, Operands> offsets = {};
        Index rest = r;
        for (int axis = axes - 2; axis >= 0; --axis) {
          const auto a = static_cast<std::size_t>(axis);
          const Index position = rest % sizes[a];
          rest /= sizes[a];
          for (std::size_t k = 0; k < Operands; ++k) offsets[k] += position * strides[k][a];
        }
        row(offsets);
      }
    });
  }
};

}}}  // namespace fovea::kernels
