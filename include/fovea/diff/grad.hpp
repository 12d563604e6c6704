// Gradients as results, hooks on gradients, and recomputation.
#pragma once

#include <functional>
#include <vector>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Options of `grad`.
struct GradOptions {
  bool retain_graph = false;  ///< whether to keep the graph, which is released otherwise
  /// Whether an input that the loss does not depend on gets zeros, rather than an error.
  bool allow_unused = false;
};

/// Returns dloss/dinput for each input: leaves, or results on the path from leaves to the loss. The
/// accumulated gradients of tensors do not change. Throws what `backward` throws, and StateError
/// for an input that the loss does not depend on.
std::vector<Array> grad(const Tensor& loss, const std::vector<Tensor>& inputs,
                        const GradOptions& options = {});

/// Receives the gradient of a tensor, and returns the same or another of the same shape.
using GradientHook = std::function<Array(const Array& dx)>;

/// Returns x with a hook on its gradient. In backward the hook receives the whole gradient of the
/// result. Its return value flows on to x:
///
///     y = register_hook(x, [](const Array& dx) { ...; return dx; });
///
/// The hook runs once in each backward in which a gradient arrives, on the thread of that backward.
/// Operations on x itself bypass the hook. Backward throws ShapeError when the hook returns another
/// shape. After an exception of a hook, clear the gradients and run the forward pass again. Throws
/// ValueError for an empty hook.
Tensor register_hook(const Tensor& x, GradientHook hook);

/// A function of tensors.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// Returns function(inputs), of which the graph keeps the inputs only; backward computes the rest
/// again. Saves memory at the cost of time (Chen et al., "Training deep nets with sublinear memory
/// cost", 2016).
///
/// The function can use other leaves, such as parameters of modules; their gradients arrive as
/// usual. The function outlives the call, so it must capture by value, without pointers that can
/// dangle, such as `weights` of a Context. Only its result may leave the function. Each call must
/// compute the same values, or backward throws StateError.
///
/// Values and gradients have the same bits as without, with one exception. A tensor used inside as
/// well as outside of the function can accumulate its gradient in another order. Throws ValueError
/// for an empty function, and for outside results that are not inputs.
Tensor recompute(TensorFunction function, const std::vector<Tensor>& inputs);

}}  // namespace fovea
