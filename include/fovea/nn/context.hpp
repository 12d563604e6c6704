// What a module is told when it is called.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Attention weights by layer path.
struct AttentionWeights : std::map<std::string, Array, std::less<>> {
  const Array& operator[](std::string_view path)
      const&;  ///< of one layer; throws IndexError if there are none of that path
  Array operator[](std::string_view path) const&& {
    return (*this)[path];
  }  ///< the same, of a temporary
};

/// Sees what a layer gives, and may give another tensor of the same shape in its place. In `fit`,
/// `evaluate` and `predict` it is called by several threads, each with some samples of the batch.
using ForwardHook = std::function<Tensor(const Tensor& output)>;

/// Hooks by layer path.
using ForwardHooks = std::map<std::string, ForwardHook, std::less<>>;

/// Asks the modules of a model for the logits of a last activation, from which a loss is computed
/// without clipping. A module that knows them keeps them beside what it gives.
struct Logits {
  bool of_softmax = false;  ///< whether those of a softmax are asked for
  bool of_sigmoid = false;  ///< whether those of a sigmoid are
  /// What a module gave, and the logits of it.
  struct Kept {
    Tensor output;          ///< the activation of the logits
    Tensor logits;          ///< what it was computed from
    Activation activation;  ///< which one
  };
  memory::List<Kept> kept = {};  ///< in the order of the calls

  /// Whether the logits of an activation are asked for.
  bool wants(Activation activation) const {
    return (activation == Activation::softmax && of_softmax) ||
           (activation == Activation::sigmoid && of_sigmoid);
  }
  /// Returns activation(logits), and remembers both.
  Tensor keep(const Tensor& logits, Activation activation);
  /// The logits of an output that is such an activation, or null: it is another, or has passed
  /// something else since, such as a hook.
  const Tensor* of(const Tensor& output, Activation activation) const;
};

struct Trace;

/// The circumstances of one call of a module. `Adam::context` makes those of a loop of one's own.
struct Context {
  bool training = false;                   ///< dropout is active only then
  std::uint64_t seed = 0;                  ///< of the model
  std::optional<std::uint64_t> step = {};  ///< number of the update, so that each draws anew; must
                                           ///< be given where something is drawn
  Index first_sample =
      0;  ///< number within the batch of the first sample of x, where a batch is cut
  std::string_view path = {};  ///< of the module in its model
  AttentionWeights* weights =
      nullptr;  ///< where attention layers put their weights, when somebody asks
  std::shared_ptr<const ForwardHooks> hooks = {};  ///< of the layers inside
  std::shared_ptr<Logits> logits = {};  ///< asked for by the model whose loss is computed from them
  const Trace* trace = nullptr;         ///< of a model's first call; see Caller

  /// The random numbers of this module in this step. Throws StateError without a step: each would
  /// draw the same.
  Rng random() const;
};

}}  // namespace fovea
