// Gradients as results, beside `backward`, which adds them to the leaves.
#pragma once

#include <functional>
#include <vector>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How `grad` runs.
struct GradOptions {
  bool retain_graph = false;  ///< keep the graph, which is released on the way otherwise
  bool allow_unused =
      false;  ///< zeros for an input that the loss does not depend on, which is an error otherwise
};

/// dloss/dinput for each input: leaves, or results on the way from them to the loss. Nobody's
/// `grad()` is touched. Throws what `backward` throws, and StateError for an input that the loss
/// does not depend on.
std::vector<Array> grad(const Tensor& loss, const std::vector<Tensor>& inputs,
                        const GradOptions& options = {});

/// Sees the gradient of a tensor, and may hand on another of the same shape.
using GradientHook = std::function<Array(const Array& dx)>;

/// x itself, at whose place in the graph the whole gradient that flows back is handed to `hook`;
/// what it gives flows on. It runs once in each backward in which a gradient arrives, on the thread
/// that runs it. What uses x directly goes past the hook: on_gradient(x, [](const Array& dx) { ...;
/// return dx; }). A hook that gives another shape makes backward throw ShapeError. After an
/// exception from a hook a graph is half done: forget the gradients and run the forward pass again.
/// Throws ValueError for an empty hook.
Tensor on_gradient(const Tensor& x, GradientHook hook);

/// Any function of tensors.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// function(inputs), of which the graph keeps the inputs alone: what lies between is computed again
/// when backward needs it. Memory for time, as in Chen et al., "Training deep nets with sublinear
/// memory cost" (2016). The function may use other leaves, such as the parameters of its modules:
/// their gradients arrive as usual. It outlives the call, so it captures by value, and no pointer
/// that may be gone (in a Context, `weights`); only its result may leave it. It must give the same
/// numbers each time, or backward throws StateError. Values and gradients are the same bits as
/// without, but for a tensor that is used inside as well as beside the function: the order in which
/// its shares are added up may differ. Throws ValueError for an empty function, and for results
/// from outside that are not inputs.
Tensor checkpoint(TensorFunction function, const std::vector<Tensor>& inputs);

}}  // namespace fovea
