// Calls the modules inside a module under the names of its list of parameters. Errors, dropout,
// attention weights, hooks, initial weights and the graph then know the path.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>

#include "fovea/array/ids.hpp"
#include "fovea/nn/in_layer.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/nn/signal.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The first call of a module, which makes the parameters of the modules inside and notes their
/// outputs.
struct Trace {
  /// The output of a module for one sample.
  struct Output {
    const char* path;  ///< of the module
    Shape shape;       ///< of the sample
  };

  std::optional<Rng> random;                ///< of the initial weights; none: nothing is built
  memory::List<Output>* outputs = nullptr;  ///< in the order of the calls
  memory::List<Tensor>* masked = nullptr;   ///< outputs of which some positions may be masked
};

namespace building {

/// Adds the output of a module to the trace, if there is one.
void note(const Context& inside, const Tensor& output);

/// Remembers an output of which some positions may be masked, if there is a trace.
void note_masked(const Context& inside, const Tensor& output);
/// Returns whether a tensor is such an output.
bool is_masked(const Context& inside, const Tensor& x);
/// Throws StateError: a module that takes a mask was called with a masked tensor alone.
[[noreturn]] void throw_mask_forgotten();

/// Whether a module has a `build` of the form that is called.
template <class M>
concept Builds = requires(M& module, const Shape& sample, const Rng& random) {
  { module.build(sample, random) } -> std::convertible_to<Shape>;
};
/// Whether a module has one member of the name `build`.
template <class M>
concept NamesBuild = requires {
  &M::build;
};
/// Whether a module has no `build`, or one of the form that is called.
template <class M>
constexpr bool builds_or_has_none = Builds<M> || !NamesBuild<M>;

/// Returns the path of a child in the list of its module, or nothing.
template <class M, class Child>
std::optional<std::string> name_of(const M& module, const Child& child) {
  std::optional<std::string> found;
  const auto see = [&](const auto& self, const std::string& path, const auto& member) -> void {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (visiting_of<const Member> == Visiting::list) {
      std::size_t number = 0;
      for (const auto& element : member) self(self, path + "/" + list_position(number++), element);
    } else if constexpr (std::is_same_v<Member, Child>) {
      if (&member == &child) found = path;
    }
  };
  if constexpr (visiting_of<const M> == Visiting::parameters)
    M::parameters(module,
                  [&](const ParameterPath& name, const auto& member) { see(see, name, member); });
  return found;
}

/// Returns the shape of one sample of a batch.
inline Shape sample_of(const Ids& x) { return x.shape().without(0); }
/// Returns the shape of one sample of a batch.
inline Shape sample_of(const Tensor& x) { return x.shape().without(0); }
/// Returns the shape of one sample of a batch.
inline Shape sample_of(const Array& x) { return x.shape().without(0); }
/// Returns the shape of one sample of a batch.
inline Shape sample_of(const Signal& x) {
  return std::visit([](const auto& value) { return sample_of(value); }, x.value);
}

/// Throws StateError for a module that is called and not listed.
[[noreturn]] void throw_unlisted(const std::type_info& child);

/// Throws StateError for a parameter that is listed and was never built.
[[noreturn]] void throw_not_made(const std::string& path);

/// Throws StateError, by path, for a parameter that is listed and does not exist.
template <class M>
void check_made(const M& module) {
  for_each_parameter(module, [](const std::string& path, const Tensor& tensor) {
    if (!tensor.defined()) throw_not_made(path);
  });
}

/// Returns whether the list of a module names modules, and not tensors alone.
template <class M>
bool lists_modules(const M& module) {
  bool lists = false;
  if constexpr (visiting_of<const M> == Visiting::parameters)
    M::parameters(module, [&](const ParameterPath&, const auto& member) {
      lists = lists || !std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>;
    });
  return lists;
}

/// Calls a module on one sample of zeros, which builds the modules inside. Returns the shape of the
/// result.
template <class M>
Shape call_on_zeros(const M& module, const Shape& sample, const Rng& random) {
  memory::List<Tensor> masked;
  const Trace trace{random, nullptr, &masked};
  const Context context{.trace = &trace};
  const Shape batch = sample.inserted(0, 1);
  Tensor result;
  if constexpr (std::invocable<const M&, const Ids&, const Context&>)
    result = module(
        Ids(batch, std::vector<std::int32_t>(static_cast<std::size_t>(batch.count()), 0)), context);
  else if constexpr (std::invocable<const M&, const Tensor&, const Context&>)
    result = module(Tensor(Array::zeros(batch)), context);
  else
    result = module(Tensor(Array::zeros(batch)), std::optional<Mask>(), context);
  check_made(module);
  return result.shape().without(0);
}

/// Makes the parameters of a module for samples of a shape, and returns the shape of its result. A
/// module with `build` is built by it; then the module is called on zeros, which builds the modules
/// inside. A module whose `build` makes the modules inside as well declares
/// `static constexpr bool builds_children = true`, and is not called.
template <class M>
Shape make(M& module, const Shape& sample, const Rng& random) {
  constexpr bool builds_children = requires { M::builds_children; };
  if constexpr (Builds<M>) {
    const Shape result = module.build(sample, random);
    if constexpr (!builds_children && visiting_of<M> == Visiting::parameters)
      if (lists_modules(module)) call_on_zeros(module, sample, random);
    return result;
  } else if constexpr (visiting_of<M> == Visiting::parameters) {
    return call_on_zeros(module, sample, random);
  } else {
    return sample;
  }
}

}  // namespace building

/// Calls the modules inside a module:
///
///     Tensor operator()(const Tensor& x, const Context& context = {}) const {
///       const Caller call(*this, context);
///       return x + call(down, call(up, x));
///     }
///
/// The name of `down` is that in the `parameters` of the module. Modules without parameters, such
/// as a Dropout, are listed there as well.
template <class M>
class Caller {
 public:
  /// Refers to the module and its context, for the time of the call.
  Caller(const M& module, const Context& context) : module_(module), context_(context) {}

  /// Calls child(inputs..., context) as the layer of its name. A tensor that the child returns
  /// passes the forward hook of the layer. The first call of the model builds the child, for the
  /// shape of the first input. Throws StateError for a child that is not listed in `parameters`,
  /// and for one that takes a mask and is called with the output of an Embedding with mask_zero
  /// alone, or with what modules that keep positions made of it.
  template <class Child, class... Inputs>
  auto operator()(const Child& child, const Inputs&... inputs) const {
    static_assert(building::builds_or_has_none<Child>,
                  "a module's build is Shape build(const Shape& sample, const Rng& random), or "
                  "there is none");
    static_assert(std::invocable<const Child&, const Inputs&..., const Context&>,
                  "a module inside a module is called with these inputs and a context: its "
                  "operator() is const, takes them, and `const Context&` last");
    return inside(
        child, [&](const Context& own) { return given(child, own, inputs...); }, inputs...);
  }

  /// Calls body(context) as the layer of the child's name, for a call of the child other than
  /// operator():
  ///
  ///     call.within(decoder, x,
  ///                 [&](const Context&) { return decoder.unroll(x, {.states = {h}}); })
  template <class Child, class Input, class Body>
  auto within(const Child& child, const Input& input, const Body& body) const {
    return inside(
        child, [&](const Context& own) { return seen(own, body(own)); }, input);
  }

 private:
  template <class Child, class Body, class... Inputs>
  auto inside(const Child& child, const Body& body, const Inputs&... inputs) const {
    const std::optional<std::string> name = building::name_of(module_, child);
    if (!name) building::throw_unlisted(typeid(Child));
    const std::string path =
        context_.path.empty() ? *name : std::string(context_.path) + "/" + *name;
    return LayerCall::run(context_, LayerCall::intern(path), [&](Context own) {
      Trace trace;
      if (context_.trace) {
        trace = *context_.trace;
        if (trace.random) trace.random = trace.random->split(*name);
        own.trace = &trace;
        if (trace.random) build(child, own, inputs...);
      }
      return body(std::as_const(own));
    });
  }

  template <class Child, class First, class... Others>
  static void build(const Child& child, const Context& inside, const First& first,
                    const Others&...) {
    // The module that the model owns is not constant: only this call is.
    if constexpr (building::Builds<Child>)
      const_cast<Child&>(child).build(building::sample_of(first), *inside.trace->random);
    if constexpr (requires(Child & own) { own.place(std::string()); })
      const_cast<Child&>(child).place(std::string(inside.path));
  }

  template <class Child, class... Inputs>
  static auto given(const Child& child, const Context& inside, const Inputs&... inputs) {
    using Result = std::invoke_result_t<const Child&, const Inputs&..., const Context&>;
    if constexpr (std::is_same_v<std::remove_cvref_t<Result>, Tensor>)
      return with_mask(child, inside, seen(inside, last(child, inside, inputs...)), inputs...);
    else
      return seen(inside, child(inputs..., inside));
  }

  // Follows the masks of ids through modules that keep positions, in a trace. The first module that
  // takes a mask must be given one.
  template <class Child, class Input, class... Given>
  static Tensor with_mask(const Child& child, const Context& inside, Tensor result, const Input& x,
                          const Given&...) {
    if (!inside.trace) return result;
    bool masked = false;
    if constexpr (requires { child.mask(x).has_value(); }) masked = child.mask(x).has_value();
    if constexpr (std::is_same_v<Input, Tensor>) {
      constexpr bool takes_mask =
          std::invocable<const Child&, const Tensor&, const std::optional<Mask>&, const Context&>;
      const bool arrives = building::is_masked(inside, x);
      if (arrives && takes_mask && sizeof...(Given) == 0) building::throw_mask_forgotten();
      if constexpr (requires { child.mask_flow(); })
        masked = arrives &&
                 (child.mask_flow() == MaskFlow::keeps || child.mask_flow() == MaskFlow::reverses);
    }
    if (masked) building::note_masked(inside, result);
    return result;
  }

  // Passes the output of a layer through the hook of the layer, and notes the output.
  template <class Result>
  static Result seen(const Context& inside, Result result) {
    Tensor* tensor = nullptr;
    if constexpr (std::is_same_v<Result, Tensor>) tensor = &result;
    if constexpr (std::is_same_v<Result, Signal>) tensor = std::get_if<Tensor>(&result.value);
    if (tensor) {
      *tensor = LayerCall::hooked(inside, std::move(*tensor));
      building::note(inside, *tensor);
    }
    return result;
  }

  // Calls the child. Keeps the logits beside the result, where the loss is computed from the logits
  // of the activation that the child ends in.
  template <class Child, class... Inputs>
  static Tensor last(const Child& child, const Context& inside, const Inputs&... inputs) {
    if constexpr (sizeof...(Inputs) == 1 && requires(const Inputs&... x) {
                    { child.linear(x...) } -> std::same_as<Tensor>;
                    { child.activation } -> std::convertible_to<Activation>;
                  })
      if (inside.logits && inside.logits->wants(child.activation))
        return inside.logits->keep(child.linear(inputs...), child.activation);
    return child(inputs..., inside);
  }

  const M& module_;
  const Context& context_;
};

}}  // namespace fovea
