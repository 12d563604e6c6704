// The circumstances that a module is called in.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Which attention weights are asked for. What is not asked for costs no memory.
struct AttentionRequest {
  /// Paths of layers, or of modules that hold them; empty: all attention layers.
  std::vector<std::string> layers = {};
  /// Heads, in this order; empty: all. A layer without an axis of heads answers as it is.
  std::vector<Index> heads = {};
  /// Queries from this one on. A layer with one query for a sequence, as in the reading pool, has
  /// query 0.
  Index first_query = 0;
  /// Behind the last query; none: to the end. Queries that a layer has not are an IndexError.
  std::optional<Index> end_query = {};

  /// Returns whether the weights of the layer at a path are asked for.
  bool asks(std::string_view path) const;
};

/// Attention weights by layer path: (batch, heads, queries, time), (batch, queries, time) without
/// an axis of heads, or (batch, time) of one query.
struct AttentionWeights : std::map<std::string, Array, std::less<>> {
  AttentionRequest request = {};  ///< what is asked for

  /// Returns the weights of one layer. Throws IndexError where there are none of that path.
  const Array& operator[](std::string_view path) const&;
  /// The same, of a temporary.
  Array operator[](std::string_view path) const&& { return (*this)[path]; }
};

/// Receives the output of a layer, and returns it or another tensor of the same shape. `fit`,
/// `evaluate` and `predict` call a hook from several threads, each with some samples of the batch.
using ForwardHook = std::function<Tensor(const Tensor& output)>;

/// Hooks by layer path.
using ForwardHooks = std::map<std::string, ForwardHook, std::less<>>;

/// Asks the modules of a model for the logits of a last activation, from which a loss is computed
/// without clipping. A module that has the logits keeps them beside its output.
struct Logits {
  bool of_softmax = false;  ///< whether those of a softmax are asked for
  bool of_sigmoid = false;  ///< whether those of a sigmoid are asked for
  /// The output of a module, and its logits.
  struct Kept {
    Tensor output;          ///< activation(logits)
    Tensor logits;          ///< what the output was computed from
    Activation activation;  ///< of the logits
  };
  memory::List<Kept> kept = {};  ///< in the order of the calls

  /// Returns whether the logits of an activation are asked for.
  bool wants(Activation activation) const {
    return (activation == Activation::softmax && of_softmax) ||
           (activation == Activation::sigmoid && of_sigmoid);
  }
  /// Returns activation(logits), and remembers both.
  Tensor keep(const Tensor& logits, Activation activation);
  /// Returns the logits of an output that is such an activation, or null: the output is another, or
  /// has passed something else since, such as a hook.
  const Tensor* of(const Tensor& output, Activation activation) const;
};

struct Trace;

/// The circumstances of one call of a module. `optimizer.context()` makes those of a training loop
/// of one's own. Containers copy the context for the modules inside and change the path alone.
struct Context {
  // The run.

  /// Whether the call trains. Dropout is active only then.
  bool training = false;
  /// The seed of the model.
  std::uint64_t seed = 0;
  /// The number of the update, so that each update draws other random numbers. Must be given where
  /// random numbers are drawn.
  std::optional<std::uint64_t> step = {};

  // The part of the batch that x is.

  /// The number within its batch of the first sample of x, where a batch is cut.
  Index first_sample = 0;
  /// The number within its sequence of the first position of x, where sequences are fed in pieces.
  /// Encodings of positions count from here. A layer that changes the number of positions (a
  /// stride, a pooling) passes the number on as it is.
  Index first_position = 0;

  // The place.

  /// The path of the module in its model.
  std::string_view path = {};

  // What is asked for besides the output.

  /// Where attention layers put their weights; null: they are not asked for.
  AttentionWeights* weights = nullptr;
  /// The hooks of the layers inside.
  std::shared_ptr<const ForwardHooks> hooks = {};
  /// The logits that the loss is computed from; null: they are not asked for.
  std::shared_ptr<Logits> logits = {};
  /// The trace of a model's first call; see Caller.
  const Trace* trace = nullptr;

  /// Returns the random numbers of this module: a stream of its own for each path, each step, and
  /// each first_position. So sequences that are fed in pieces draw other numbers than whole ones
  /// do. Throws StateError without a step: all steps would draw the same.
  Rng random() const;
};

}}  // namespace fovea
