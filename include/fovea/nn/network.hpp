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
  bool takes_array = false;  ///< an input: whether real numbers are
  bool takes_mask = false;   ///< an input: whether its mask is
};

/// What a module gives at one output. Where the loss is computed from logits, those are there, and
/// the signal's tensor may be undefined: it is the activation of the logits.
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

  const std::string& path() const& { return path_; }  ///< the first name of every path
  std::string path() const&& { return path_; }        ///< the same, of a temporary
  /// Names it: every path that begins with the name follows.
  virtual void place(const std::string& path);

  virtual std::string type() const = 0;  ///< of the module, without its namespaces
  const std::vector<Port>& inputs() const& { return inputs_; }    ///< in the order of the call
  std::vector<Port> inputs() const&& { return inputs_; }          ///< the same, of a temporary
  const std::vector<Port>& outputs() const& { return outputs_; }  ///< in order
  std::vector<Port> outputs() const&& { return outputs_; }        ///< the same, of a temporary

  /// Makes the parameters from one sample of each input; notes what the modules inside give. Where
  /// it throws, nothing was built.
  virtual void build(const Signals& one, const Rng& random) = 0;
  virtual bool built() const = 0;  ///< whether the parameters exist
  /// Calls the module on one sample of each input, without hooks; what it and the modules inside
  /// make of it, in order.
  virtual std::vector<Trace::Output> trace(const Signals& one) const = 0;
  /// What the build found it and the modules inside to make of one sample, in order.
  const std::vector<Trace::Output>& traced() const& { return traced_; }
  std::vector<Trace::Output> traced() const&& { return traced_; }  ///< the same, of a temporary

  /// Throws, before any work, for ids that the module has not.
  virtual void check(const Signals&) const {}
  /// Throws ValueError for options that never learn.
  virtual void check_options() const {}

  /// Calls the module. `wanted`: the activations whose logits the losses are computed from.
  virtual void call(const Signals& x, const Context& context,
                    std::span<const std::optional<Activation>> wanted,
                    memory::List<Output>& outputs) const = 0;

  /// Whether masks of outputs come with the outputs alone, and not before.
  virtual bool masks_come_late() const { return false; }
  /// The masks of the outputs, where they do not come late.
  virtual memory::List<std::optional<Mask>> masks(const Signals&) const {
    return memory::List<std::optional<Mask>>(outputs_.size());
  }
  /// Whether to ask for the logits of an activation: unless it is known that the module does not
  /// end in it.
  virtual bool may_end_in(Activation) const { return true; }

  /// A module inside, for the summary.
  struct Part {
    std::string name;  ///< in the list of parameters
    std::string type;  ///< of the module
    Index count;       ///< of numbers in its parameters
  };
  virtual std::vector<Part> parts() const = 0;  ///< in order

  virtual Index dense_bytes() const = 0;  ///< of the parameters whose gradients are dense
  virtual bool samples_mix() const = 0;   ///< whether samples of a batch act on each other
  /// Calls visit(path, tensor) for each parameter.
  virtual void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const = 0;
  /// The same, without a copy of `visit` in memory.
  template <class Visit>
  void each(const Visit& visit) const {
    for_each(std::cref(visit));
  }
  virtual bool empty() const { return false; }  ///< whether there are no layers to call
  virtual void* module(const std::type_info& type) const = 0;  ///< or null, if it is another type

 protected:
  std::string path_;                   ///< the first name of every path
  std::vector<Port> inputs_;           ///< in the order of the call
  std::vector<Port> outputs_;          ///< in order
  std::vector<Trace::Output> traced_;  ///< by the build
};

namespace networks {

/// Names of the ports of a module: those that it declares, or numbers.
std::vector<Port> ports(const char* kind, std::size_t count, std::span<const char* const> names);
/// Throws ValueError, by name, for ids where an input takes real numbers, and the other way round.
void check_kinds(const std::vector<Port>& ports, const Signals& x);
/// Adds an output to the trace. Throws ShapeError for ids and for a single number.
void note_output(const Context& inside, const Signal& output);
/// Finds the logits that were kept for the outputs that want them, and asks for no more: contexts
/// live on in graphs.
void find_logits(Logits& logits, std::span<const std::optional<Activation>> wanted,
                 memory::List<Output>& outputs);

}  // namespace networks

}}  // namespace fovea
