// What a module is. A module is a plain struct: its options first, then its parameters, and
//
//   Shape build(const Shape& sample, const Rng& random);
//       makes the parameters; shapes are those of one sample, without the batch axis
//   Tensor operator()(const Tensor& x, const Context& = {}) const;
//       x is (batch, sample...); Ids for modules that look up rows
//   static void parameters(auto& self, auto&& visit);
//       calls visit("name", member) for each parameter and each module inside
//
// `random` is a stream of its own for each module. A module hands random.split("name") to each
// module inside. Two modules with one stream would get the same weights, and two dropouts the same
// masks.
//
// The list of parameters, in its fixed order, serves the optimiser, saving, counting and printing.
// A std::vector or std::array of modules or parameters is visited as one member:
//
//   visit("blocks", self.blocks);  // the paths are blocks/0/..., blocks/1/...
//
// Calls are const, and several threads may call a module at once. Tensors are handles, so a copy of
// a module shares its weights. A module without parameters may leave out `parameters`. It may leave
// out `build` as well, if the module keeps shapes.
#pragma once

#include <array>
#include <charconv>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "fovea/autograd/tensor.hpp"
#include "fovea/nn/context.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What happens to a mask that reaches a module.
enum class MaskFlow {
  loses,     ///< the mask would be lost: an error, unless a DropMask stands before the module
  keeps,     ///< each position of the output is one of the input
  ends,      ///< the module uses the mask up: its output has no axis of positions, as a pooling's
  reverses,  ///< as keeps, and the last position comes first
};

/// A parameter and its path, such as "dense/kernel".
struct NamedParameter {
  std::string path;  ///< of names, joined by "/"
  Tensor tensor;     ///< shares the elements with the module
};

/// The path of a parameter during a visit. Converts to std::string on demand, so visits that ignore
/// it allocate nothing. Keep the std::string, not the path, which ends with the visit.
class ParameterPath {
 public:
  /// Refers to a name.
  ParameterPath(const char* name) : name_(name) {}  // NOLINT: implicit on purpose
  /// Refers to a name.
  ParameterPath(std::string_view name) : name_(name) {}  // NOLINT: implicit on purpose
  /// Refers to a name.
  ParameterPath(const std::string& name) : name_(name) {}  // NOLINT: implicit on purpose
  /// Refers to one path behind another.
  ParameterPath(const ParameterPath& outer, const ParameterPath& inner)
      : outer_(&outer), inner_(&inner) {}

  /// Returns the names, joined by "/": "dense/kernel".
  operator std::string() const {
    return outer_ ? std::string(*outer_) + "/" + std::string(*inner_) : std::string(name_);
  }  // NOLINT: as above

 private:
  std::string_view name_;
  const ParameterPath *outer_ = nullptr, *inner_ = nullptr;
};

/// How the parameters of a type are found.
enum class Visiting {
  tensor,      ///< a Tensor is a parameter itself
  list,        ///< a std::vector or std::array has the parameters of its elements
  parameters,  ///< a module lists its parameters
  none,        ///< a type with a call operator and no member `parameters` has none
  hidden,      ///< another type may have parameters that would not be found
};

namespace visiting {

/// Has the name `parameters`. A class that inherits a name twice makes it ambiguous, which finds
/// private members, too.
struct Parameters {
  int parameters;  ///< the name
};
/// Has the name of the call operator.
struct Call {
  void operator()();  ///< the name
};
/// Inherits from a module and from one of the two.
template <class M, class Name>
struct Both : M, Name {};
/// Whether a member is called `parameters`.
template <class M>
concept NamesParameters = !requires {
  &Both<M, Parameters>::parameters;
};
/// Whether a type can be called.
template <class M>
concept NamesCall = !requires {
  &Both<M, Call>::operator();
};

template <class M>
constexpr bool is_list = false;  ///< whether it is a std::vector or a std::array
template <class Element, class Allocator>
constexpr bool is_list<std::vector<Element, Allocator>> = true;
template <class Element, std::size_t Size>
constexpr bool is_list<std::array<Element, Size>> = true;
template <class M>
constexpr bool refers = false;  ///< whether it hides another module
template <class M>
constexpr bool refers<std::reference_wrapper<M>> = true;
template <class Signature>
constexpr bool refers<std::function<Signature>> = true;
template <>
inline constexpr bool refers<Array> = true;  // called with positions; no parameter, but a value
template <>
inline constexpr bool refers<Ids> = true;
template <>
inline constexpr bool refers<Mask> = true;

/// Returns how the parameters of a module are found.
template <class Module>
consteval Visiting way() {
  using M = std::remove_const_t<Module>;
  if constexpr (std::is_same_v<M, Tensor>)
    return Visiting::tensor;
  else if constexpr (is_list<M>)
    return Visiting::list;
  else if constexpr (requires(Module & module) {
                       M::parameters(module, [](const ParameterPath&, auto&) {});
                     })
    return Visiting::parameters;
  else if constexpr (std::is_function_v<M> || std::is_function_v<std::remove_pointer_t<M>>)
    return Visiting::none;
  else if constexpr (!std::is_class_v<M> || std::is_final_v<M> || refers<M>)
    return Visiting::hidden;
  else
    return NamesCall<M> && !NamesParameters<M> ? Visiting::none : Visiting::hidden;
}

}  // namespace visiting

/// How the parameters of a module, constant or not, are found.
template <class Module>
constexpr Visiting visiting_of = visiting::way<Module>();

/// Returns the path of an element of a list of modules: its position in decimal digits.
inline std::string list_position(std::size_t position) {
  char digits[20];
  return {digits, std::to_chars(digits, digits + sizeof digits, position).ptr};
}

/// Calls visit(path, tensor) for every parameter of a module and of the modules inside, in their
/// fixed order. `visit` takes the path as std::string, or as const ParameterPath& where the text of
/// the path is not needed. Does not compile where parameters would be missed.
template <class Module, class Visit>
void for_each_parameter(Module& module, Visit&& visit, const ParameterPath* outer = nullptr) {
  constexpr Visiting way = visiting_of<Module>;
  const auto member = [&](const ParameterPath& name, auto& inner) {
    const ParameterPath path = outer ? ParameterPath(*outer, name) : name;
    if constexpr (visiting_of<std::remove_reference_t<decltype(inner)>> == Visiting::tensor)
      visit(path, inner);
    else
      for_each_parameter(inner, visit, &path);
  };
  static_assert(way != Visiting::tensor,
                "a parameter by itself has no path; give {{\"its name\", tensor}}");
  static_assert(way != Visiting::hidden,
                "its parameters would not be found and not learn: a module has a public `static "
                "void parameters(auto& self, auto&& visit)`, or none "
                "and an operator(); what it visits is a Tensor, a module, or a std::vector or "
                "std::array of these; a final class, a "
                "std::function and a reference do not show what they have");
  if constexpr (way == Visiting::list) {
    std::size_t number = 0;
    for (auto& element : module) member(list_position(number++), element);
  } else if constexpr (way == Visiting::parameters) {
    std::remove_const_t<Module>::parameters(module, member);
  }
}

/// Returns the parameters that exist, in their fixed order.
template <class Module>
std::vector<NamedParameter> parameters_of(const Module& module) {
  std::vector<NamedParameter> list;
  for_each_parameter(module, [&](const ParameterPath& path, const Tensor& tensor) {
    if (tensor.defined()) list.push_back({path, tensor});
  });
  return list;
}

/// Returns how many elements the parameters hold.
template <class Module>
Index parameter_count(const Module& module) {
  Index count = 0;
  for_each_parameter(module, [&](const ParameterPath&, const Tensor& tensor) {
    count += tensor.defined() ? tensor.shape().count() : 0;
  });
  return count;
}

/// Clears the gradients that the parameters have accumulated.
template <class Module>
void zero_grad(const Module& module) {
  for_each_parameter(module, [](const ParameterPath&, const Tensor& tensor) {
    if (tensor.requires_grad()) tensor.zero_grad();
  });
}

/// Freezes the parameters of a module (false: no gradients, no updates), or unfreezes them.
/// Constants among the parameters stay constant. Compile the model, or attach the optimiser, again
/// afterwards: an optimiser holds the parameters that it was attached to. Throws StateError before
/// the module is built.
template <class Module>
void set_trainable(Module& module, bool trainable) {
  for_each_parameter(module, [&](const ParameterPath&, Tensor& tensor) {
    if (tensor.node() || !tensor.defined()) tensor.set_requires_grad(trainable);
  });
}

/// Returns the number of bytes of the parameters whose gradients are dense. A module that declares
/// `static constexpr bool gradient_is_rows = true` has none, and neither have the modules inside. A
/// member `dense_bytes()` of a module returns the bytes of that module.
template <class Module>
Index dense_bytes_of(const Module& module) {
  constexpr Visiting way = visiting_of<const Module>;
  if constexpr (way == Visiting::tensor) {
    return module.defined() ? module.shape().count() * static_cast<Index>(sizeof(real)) : 0;
  } else if constexpr (requires { module.dense_bytes(); }) {
    return module.dense_bytes();
  } else {
    if constexpr (requires { Module::gradient_is_rows; })
      if (Module::gradient_is_rows) return 0;
    Index bytes = 0;
    if constexpr (way == Visiting::list)
      for (const auto& element : module) bytes += dense_bytes_of(element);
    else if constexpr (way == Visiting::parameters)
      Module::parameters(
          module, [&](const ParameterPath&, const auto& inner) { bytes += dense_bytes_of(inner); });
    return bytes;
  }
}

/// Returns whether samples of a batch act on each other in a module or in a module inside, so that
/// the batch must not be cut. Such a module declares `static constexpr bool mixes_samples = true`.
template <class Module>
bool mixes_samples_of(const Module& module) {
  constexpr Visiting way = visiting_of<const Module>;
  bool mixes = false;
  if constexpr (requires { module.samples_mix(); })
    mixes = module.samples_mix();
  else if constexpr (requires { Module::mixes_samples; })
    mixes = Module::mixes_samples;
  if constexpr (way == Visiting::list)
    for (const auto& element : module) mixes = mixes || mixes_samples_of(element);
  else if constexpr (way == Visiting::parameters)
    Module::parameters(module, [&](const ParameterPath&, const auto& inner) {
      mixes = mixes || mixes_samples_of(inner);
    });
  return mixes;
}

}}  // namespace fovea
