// A module with any number of inputs and outputs behind one interface: what a Model trains.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>
#include <vector>

#include "fovea/memory/buffer.hpp"
#include "fovea/nn/caller.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/nn/signal.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// An input or an output of a module.
struct Port {
  std::string name;          ///< "input_1" or "output_1" where the module gives none
  bool takes_ids = false;    ///< an input: whether ids are accepted
  bool takes_array = false;  ///< an input: whether real values are accepted
  bool takes_mask = false;   ///< an input: whether a mask is accepted
};

/// One output of a module. Where the loss is computed from logits, the logits are there, and the
/// tensor of the signal, their activation, may be undefined.
struct Output {
  Signal signal;       ///< the tensor and its mask
  Tensor logits = {};  ///< undefined where there are none
};

/// The inputs, or the outputs, of one call.
using Signals = memory::List<Signal>;

/// A module of any type. Const members may be called from several threads at once.
class Network {
 public:
  virtual ~Network() = default;

  /// Returns the name of the module, with which every path begins.
  const std::string& path() const& { return path_; }
  /// The same, of a temporary.
  std::string path() const&& { return path_; }
  /// Sets the name of the module: every path that begins with it follows.
  virtual void place(const std::string& path);

  /// Returns the type of the module, without its namespaces.
  virtual std::string type() const = 0;
  /// Returns the inputs in the order of the call.
  const std::vector<Port>& inputs() const& { return inputs_; }
  /// The same, of a temporary.
  std::vector<Port> inputs() const&& { return inputs_; }
  /// Returns the outputs in order.
  const std::vector<Port>& outputs() const& { return outputs_; }
  /// The same, of a temporary.
  std::vector<Port> outputs() const&& { return outputs_; }

  /// Makes the parameters from one sample of each input, and notes the outputs of the modules
  /// inside. If it throws, nothing was built.
  virtual void build(const Signals& one, const Rng& random) = 0;
  /// Returns whether the parameters exist.
  virtual bool built() const = 0;
  /// Calls the module on one sample of each input, without hooks. Returns the outputs of the module
  /// and of the modules inside, in the order of their calls.
  virtual std::vector<Trace::Output> trace(const Signals& one) const = 0;
  /// Returns the outputs that `build` noted, in the order of their calls.
  const std::vector<Trace::Output>& traced() const& { return traced_; }
  /// The same, of a temporary.
  std::vector<Trace::Output> traced() const&& { return traced_; }

  /// Throws, before any work, IndexError for ids out of range.
  virtual void check(const Signals&) const {}
  /// Throws ValueError for options that never learn.
  virtual void check_options() const {}

  /// Calls the module and adds its outputs. `wanted` names, for each output, the activation whose
  /// logits the loss is computed from.
  virtual void call(const Signals& x, const Context& context,
                    std::span<const std::optional<Activation>> wanted,
                    memory::List<Output>& outputs) const = 0;

  /// Returns whether the masks of outputs are known only once the module was called.
  virtual bool masks_come_late() const { return false; }
  /// Returns the masks of the outputs, where masks_come_late is false.
  virtual memory::List<std::optional<Mask>> masks(const Signals&) const {
    return memory::List<std::optional<Mask>>(outputs_.size());
  }
  /// Returns whether the module may end in an activation, so that its logits are worth asking for.
  virtual bool may_end_in(Activation) const { return true; }

  /// A module inside, for the summary.
  struct Part {
    std::string name;  ///< in the list of parameters
    std::string type;  ///< of the module
    Index count;       ///< elements of its parameters
  };
  /// Returns the modules inside, in order.
  virtual std::vector<Part> parts() const = 0;

  /// Returns the number of bytes of the parameters whose gradients are dense.
  virtual Index dense_bytes() const = 0;
  /// Returns whether samples of a batch act on each other.
  virtual bool samples_mix() const = 0;
  /// Calls visit(path, tensor) for each parameter.
  virtual void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const = 0;
  /// The same, without a copy of `visit` in memory.
  template <class Visit>
  void each(const Visit& visit) const {
    for_each(std::cref(visit));
  }
  /// Returns whether there are no layers to call.
  virtual bool empty() const { return false; }
  /// Returns the module, or null if it is of another type.
  virtual void* module(const std::type_info& type) const = 0;

 protected:
  std::string path_;                   ///< the name of the module
  std::vector<Port> inputs_;           ///< in the order of the call
  std::vector<Port> outputs_;          ///< in order
  std::vector<Trace::Output> traced_;  ///< the outputs that build noted
};

namespace networks {

/// Returns the ports of a module, with the names that it declares or numbered ones.
std::vector<Port> ports(const char* kind, std::size_t count, std::span<const char* const> names);
/// Throws ValueError, by name, for ids where an input takes real numbers, and the other way round.
void check_kinds(const std::vector<Port>& ports, const Signals& x);
/// Adds an output to the trace. Throws ShapeError for ids and for a scalar.
void note_output(const Context& inside, const Signal& output);
/// Has the modules that are called with the context keep the logits of the wanted activations.
void ask_for_logits(Context& context, std::span<const std::optional<Activation>> wanted);
/// Gives the kept logits to the outputs whose loss needs logits, and clears `logits`: graphs hold
/// the context after the call.
void find_logits(Logits& logits, std::span<const std::optional<Activation>> wanted,
                 memory::List<Output>& outputs);

}  // namespace networks

}}  // namespace fovea
