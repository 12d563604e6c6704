// Calling the modules inside a module under the names that its list of parameters gives them, so
// that errors, dropout, attention weights, hooks, initial weights and the graph say where.
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

/// The first call of a module, which makes the parameters of the modules inside it and notes what
/// each gives.
struct Trace {
  /// What a module gave for one sample.
  struct Output {
    const char* path;  ///< of the module
    Shape shape;       ///< of the sample
  };

  std::optional<Rng> random;                ///< of the initial weights; none: nothing is built
  memory::List<Output>* outputs = nullptr;  ///< in the order of the calls
};

namespace building {

/// Adds what a module gave to the outputs of the trace, if there is one.
void note(const Context& inside, const Tensor& output);

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

/// The path of a child in its module's list, or nothing.
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

/// The shape of one sample of a batch.
inline Shape sample_of(const Ids& x) { return x.shape().without(0); }
inline Shape sample_of(const Tensor& x) { return x.shape().without(0); }  ///< the same
inline Shape sample_of(const Array& x) { return x.shape().without(0); }   ///< the same
inline Shape sample_of(const Signal& x) {
  return std::visit([](const auto& value) { return sample_of(value); }, x.value);
}  ///< the same

/// Throws StateError: the module called has no name.
[[noreturn]] void throw_unlisted(const std::type_info& child);

/// Throws StateError: a parameter is listed, and nothing has made it.
[[noreturn]] void throw_not_made(const std::string& path);

/// Throws StateError, by path, for a parameter that is listed and does not exist.
template <class M>
void check_made(const M& module) {
  for_each_parameter(module, [](const std::string& path, const Tensor& tensor) {
    if (!tensor.defined()) throw_not_made(path);
  });
}

/// Whether the list of a module names modules, not tensors alone.
template <class M>
bool lists_modules(const M& module) {
  bool lists = false;
  if constexpr (visiting_of<const M> == Visiting::parameters)
    M::parameters(module, [&](const ParameterPath&, const auto& member) {
      lists = lists || !std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>;
    });
  return lists;
}

/// What a module makes of one sample of zeros, whose modules inside are built on the way.
template <class M>
Shape call_on_zeros(const M& module, const Shape& sample, const Rng& random) {
  const Trace trace{random, nullptr};
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

/// Makes the parameters of a module for samples of a shape, and returns the shape of what it makes
/// of one: by its `build`, where it has one; modules inside that it calls by a Caller are built by
/// calling it on zeros. A module whose `build` makes all that is inside says so by
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
/// The name of `down` is that in the module's `parameters`, which lists modules without parameters,
/// such as a Dropout, as well.
template <class M>
class Caller {
 public:
  /// Refers to both, for the time of the module's own call.
  Caller(const M& module, const Context& context) : module_(module), context_(context) {}

  /// Calls child(inputs..., context) as the layer of its name. A tensor that it gives passes the
  /// layer's forward hook. In the model's first call the child is built first, for the shape of the
  /// first input. Throws StateError for a child that the module's `parameters` does not list.
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

  /// Calls body(context) as the layer of the child's name, for another call of the child than its
  /// operator():
  ///
  ///     call.within(decoder, x, [&](const Context&) { return decoder.unroll(x, {.states = {h}});
  ///     })
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
    // The model that is built owns its module, which is not constant: only this call of it is.
    if constexpr (building::Builds<Child>)
      const_cast<Child&>(child).build(building::sample_of(first), *inside.trace->random);
    if constexpr (requires(Child & own) { own.place(std::string()); })
      const_cast<Child&>(child).place(std::string(inside.path));
  }

  template <class Child, class... Inputs>
  static auto given(const Child& child, const Context& inside, const Inputs&... inputs) {
    using Result = std::invoke_result_t<const Child&, const Inputs&..., const Context&>;
    if constexpr (std::is_same_v<std::remove_cvref_t<Result>, Tensor>)
      return seen(inside, last(child, inside, inputs...));
    else
      return seen(inside, child(inputs..., inside));
  }

  // What a layer gives passes its hook, and is noted.
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

  // Where the loss is computed from the logits of an activation that the child ends in, they are
  // kept beside what it gives.
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
