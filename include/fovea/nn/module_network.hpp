// A module of any type as a network: inputs and outputs are read from its call operator.
#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "fovea/nn/network.hpp"
#include "fovea/nn/type_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace networks {

/// How a call operator is declared.
template <class Function>
struct Signature;
/// The call operator of a module.
template <class R, class M, class... A>
struct Signature<R (M::*)(A...) const> {
  using Result = std::remove_cvref_t<R>;                    ///< without const and &
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;  ///< without const and &
};
/// The call operator of a module, where declared noexcept.
template <class R, class M, class... A>
struct Signature<R (M::*)(A...) const noexcept> : Signature<R (M::*)(A...) const> {};

/// Whether a type has exactly one call operator, which is no template.
template <class M>
concept OneCall = requires {
  typename Signature<decltype(&M::operator())>::Result;
};

/// Whether an argument is an input, which samples are given for.
template <class T>
constexpr bool is_input =
    std::is_same_v<T, Ids> || std::is_same_v<T, Tensor> || std::is_same_v<T, Signal>;
/// Whether an argument is the mask of the input before it.
template <class T>
constexpr bool is_mask = std::is_same_v<T, std::optional<Mask>>;

template <class Tuple>
struct Call;
/// The arguments of a call: inputs, their masks and the context.
template <class... A>
struct Call<std::tuple<A...>> {
  /// The number of arguments, the context included.
  static constexpr std::size_t count = sizeof...(A);
  /// The number of arguments that are inputs.
  static constexpr std::size_t inputs = (std::size_t(is_input<A>) + ...);
  /// Whether each argument is an input.
  static constexpr std::array<bool, count> starts = {is_input<A>...};
  /// The input that each argument belongs to.
  static constexpr std::array<std::size_t, count> input_of = [] {
    std::array<std::size_t, count> result = {};
    std::size_t seen = 0;
    for (std::size_t i = 0; i < count; ++i) {
      seen += starts[i];
      result[i] = seen - (seen > 0);
    }
    return result;
  }();
  /// The context, in a valid call.
  using Last = std::tuple_element_t<count - 1, std::tuple<A...>>;
  /// Whether these are inputs, each perhaps with its mask behind it, and a context.
  static constexpr bool valid = std::is_same_v<Last, Context> && inputs > 0 && starts[0] &&
                                ((is_input<A> || is_mask<A> || std::is_same_v<A, Context>)&&...);
};

/// The number of tensors that a call returns, or 0 for a type that is not accepted.
template <class R>
constexpr std::size_t outputs_of = 0;
template <>
inline constexpr std::size_t outputs_of<Tensor> = 1;
template <>
inline constexpr std::size_t outputs_of<Signal> = 1;
template <class... R>
constexpr std::size_t outputs_of<std::tuple<R...>> = ((outputs_of<R> == 1) && ...) ? sizeof...(R)
                                                                                   : 0;
template <class A, class B>
constexpr std::size_t outputs_of<std::pair<A, B>> =
    outputs_of<A> == 1 && outputs_of<B> == 1 ? 2 : 0;
template <class R, std::size_t N>
constexpr std::size_t outputs_of<std::array<R, N>> = outputs_of<R> == 1 ? N : 0;

/// Whether a call returns a Signal.
template <class R>
constexpr bool gives_masks = false;
template <>
inline constexpr bool gives_masks<Signal> = true;
template <class... R>
constexpr bool gives_masks<std::tuple<R...>> = (gives_masks<R> || ...);
template <class A, class B>
constexpr bool gives_masks<std::pair<A, B>> = gives_masks<A> || gives_masks<B>;
template <class R, std::size_t N>
constexpr bool gives_masks<std::array<R, N>> = gives_masks<R>;

}  // namespace networks

/// A module whose call takes inputs, each perhaps with its mask behind it, and a context, and
/// returns one tensor or several.
template <class M>
class ModuleNetwork final : public Network {
  using Signature = networks::Signature<decltype(&M::operator())>;
  using Call = networks::Call<typename Signature::Arguments>;
  using Result = typename Signature::Result;
  static_assert(
      Call::valid,
      "a module's call is const and takes Ids, Tensor or Signal, each perhaps followed by "
      "const std::optional<Mask>&, and `const Context&` last");
  static_assert(networks::outputs_of<Result> > 0,
                "a module's call gives a Tensor or a Signal, or a std::tuple, std::pair or "
                "std::array of them");
  static_assert(building::builds_or_has_none<M>,
                "a module's build is Shape build(const Shape& sample, const Rng& random), or there "
                "is none");

 public:
  /// Takes the module over.
  explicit ModuleNetwork(M module) : module_(std::move(module)) {
    inputs_ = networks::ports("input", Call::inputs, [] {
      if constexpr (requires { M::input_names; }) {
        static_assert(std::size(M::input_names) == Call::inputs,
                      "input_names has a name for each input");
        return std::span<const char* const>(M::input_names);
      } else {
        return std::span<const char* const>();
      }
    }());
    outputs_ = networks::ports("output", networks::outputs_of<Result>, [] {
      if constexpr (requires { M::output_names; }) {
        static_assert(std::size(M::output_names) == networks::outputs_of<Result>,
                      "output_names has a name for each output");
        return std::span<const char* const>(M::output_names);
      } else {
        return std::span<const char* const>();
      }
    }());
    note_kinds(std::make_index_sequence<Call::count>());
  }

  std::string type() const override { return type_name(typeid(M)); }

  void build(const Signals& one, const Rng& random) override {
    std::vector<bool> had;
    for_each([&](const ParameterPath&, Tensor& tensor) { had.push_back(tensor.defined()); });
    try {
      if constexpr (building::Builds<M>)
        module_.build(
            std::visit([](const auto& x) { return building::sample_of(x); }, one[0].value), random);
      memory::List<Trace::Output> outputs;
      run(one, random, outputs);
      building::check_made(module_);
      traced_.assign(outputs.begin(), outputs.end());
    } catch (...) {
      std::size_t i = 0;
      for_each([&](const ParameterPath&, Tensor& tensor) {
        if (i >= had.size() || !had[i]) tensor = Tensor();
        ++i;
      });
      throw;
    }
    built_ = true;
  }
  bool built() const override { return built_; }

  std::vector<Trace::Output> trace(const Signals& one) const override {
    memory::List<Trace::Output> outputs;
    run(one, std::nullopt, outputs);
    return {outputs.begin(), outputs.end()};
  }

  void call(const Signals& x, const Context& context,
            std::span<const std::optional<Activation>> wanted,
            memory::List<Output>& outputs) const override {
    Context own = context;
    own.path = path_;
    networks::ask_for_logits(own, wanted);
    LayerCall::run(own, LayerCall::intern(path_), [&](const Context& inside) {
      give(called(x, inside, std::make_index_sequence<Call::count>()), outputs);
    });
    if (own.logits) networks::find_logits(*own.logits, wanted, outputs);
  }

  bool masks_come_late() const override { return networks::gives_masks<Result>; }

  std::vector<Part> parts() const override {
    std::vector<Part> parts;
    if constexpr (visiting_of<const M> == Visiting::parameters)
      M::parameters(module_, [&](const ParameterPath& name, const auto& inner) {
        add_part(parts, name, inner);
      });
    return parts;
  }

  Index dense_bytes() const override { return dense_bytes_of(module_); }
  bool samples_mix() const override { return mixes_samples_of(module_); }
  void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const override {
    for_each_parameter(module_, visit);
  }
  void* module(const std::type_info& type) const override {
    return type == typeid(M) ? &module_ : nullptr;
  }

 private:
  template <std::size_t... I>
  void note_kinds(std::index_sequence<I...>) {
    const auto note = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
      using A = std::tuple_element_t<K, typename Signature::Arguments>;
      Port& port = inputs_[Call::input_of[K]];
      if constexpr (networks::is_input<A>) {
        port.takes_ids = !std::is_same_v<A, Tensor>;
        port.takes_array = !std::is_same_v<A, Ids>;
        port.takes_mask = std::is_same_v<A, Signal>;
      } else if constexpr (networks::is_mask<A>) {
        port.takes_mask = true;
      }
    };
    (note(std::integral_constant<std::size_t, I>()), ...);
  }

  template <std::size_t I>
  static const auto& argument(const Signals& x, const Context& context) {
    using A = std::tuple_element_t<I, typename Signature::Arguments>;
    if constexpr (std::is_same_v<A, Context>)
      return context;
    else if constexpr (std::is_same_v<A, Signal>)
      return x[Call::input_of[I]];
    else if constexpr (networks::is_mask<A>)
      return x[Call::input_of[I]].mask;
    else
      return std::get<A>(x[Call::input_of[I]].value);
  }

  template <std::size_t... I>
  Result called(const Signals& x, const Context& context, std::index_sequence<I...>) const {
    return std::as_const(module_)(argument<I>(x, context)...);
  }

  void run(const Signals& one, const std::optional<Rng>& random,
           memory::List<Trace::Output>& traced) const {
    memory::List<Tensor> masked;
    const Trace trace{random, &traced, &masked};
    const Context context{.path = path_, .trace = &trace};
    LayerCall::run(context, LayerCall::intern(path_), [&](const Context& inside) {
      memory::List<Output> outputs;
      give(called(one, inside, std::make_index_sequence<Call::count>()), outputs);
      for (const Output& output : outputs) networks::note_output(inside, output.signal);
    });
  }

  static void give(const Tensor& tensor, memory::List<Output>& outputs) {
    outputs.push_back({{tensor}});
  }
  static void give(const Signal& signal, memory::List<Output>& outputs) {
    outputs.push_back({signal});
  }
  template <class Several>
  static void give(const Several& several, memory::List<Output>& outputs) {
    std::apply([&](const auto&... each) { (give(each, outputs), ...); }, several);
  }

  template <class Inner>
  static void add_part(std::vector<Part>& parts, const std::string& name, const Inner& inner) {
    if constexpr (visiting_of<const Inner> == Visiting::tensor) {
      parts.push_back({name, "Tensor", inner.defined() ? inner.shape().count() : 0});
    } else if constexpr (visiting_of<const Inner> == Visiting::list) {
      std::size_t number = 0;
      for (const auto& element : inner)
        add_part(parts, name + "/" + list_position(number++), element);
    } else {
      parts.push_back({name, type_name(typeid(Inner)), parameter_count(inner)});
    }
  }

  mutable M module_;  // calls are const; building and visiting parameters are not
  bool built_ = false;
};

}}  // namespace fovea
