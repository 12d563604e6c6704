// A module applied to each position of a sequence by itself.
#pragma once

#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/nn/caller.hpp"
#include "fovea/nn/in_layer.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Calls a module with all positions as if each were a sample: x (batch, time, sample...) ->
/// (batch, time, result...). TimeDistributed{Conv2D{.filters = 4, .kernel_size = {3, 3}}} maps each
/// picture of a film. The mask, (batch, time), is kept; the module gets none.
template <class M>
struct TimeDistributed {
  M layer;  ///< maps one position

  static constexpr bool builds_children = true;  ///< build makes the module inside
  /// Maps a sample (time, ...) to (time, result...). Throws ShapeError for a scalar, and what the
  /// module throws.
  Shape build(const Shape& sample, const Rng& random) {
    if (sample.rank() < 1)
      throw ShapeError("TimeDistributed: a sample is a scalar; it must be (time, ...)");
    return building::make(layer, sample.without(0), random.split("layer")).inserted(0, sample[0]);
  }

  /// Returns the results of all positions. Throws ShapeError for x without an axis of positions,
  /// and for a module whose result has another first size than its input.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    if (x.shape().rank() < 2)
      throw ShapeError("TimeDistributed: x is " + to_string(x.shape()) +
                       "; it must be (batch, time, ...)");
    const Index batch = x.shape()[0], time = x.shape()[1];
    const Tensor y = in_layer(context, "layer", [&](const Context& inside) {
      Context each = inside;
      each.first_sample *= time;
      return layer(reshape(x, sizes({batch * time}, x.shape(), 2)), each);
    });
    if (y.shape().rank() < 1 || y.shape()[0] != batch * time)
      throw ShapeError("TimeDistributed: of " + to_string(x.shape().without(0)) +
                       " positions the module makes " + to_string(y.shape()) +
                       "; it must keep the first axis, here batch times time");
    return reshape(y, sizes({batch, time}, y.shape(), 1));
  }

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// Visits the parameters of the module.
  static void parameters(auto& self, auto&& visit) { visit("layer", self.layer); }

 private:
  // The sizes of a shape with other first axes.
  static std::vector<Index> sizes(std::vector<Index> first, const Shape& shape, int from) {
    for (int axis = from; axis < shape.rank(); ++axis) first.push_back(shape[axis]);
    return first;
  }
};

/// Makes TimeDistributed{Dense{8}} a TimeDistributed<Dense> with clang before 17 as well.
template <class M>
TimeDistributed(M) -> TimeDistributed<M>;

}}  // namespace fovea
