// A module of any type behind one interface, for containers that call modules in turn.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <typeinfo>
#include <variant>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/nn/caller.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/nn/signal.hpp"
#include "fovea/nn/type_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Whether a type can be called with inputs and a context.
template <class M, class... Inputs>
constexpr bool takes = std::invocable<const M&, const Inputs&..., const Context&>;

/// Whether a type can be called as a module of one input.
template <class M>
concept Module = takes<M, Ids> || takes<M, Tensor> || takes<M, Tensor, std::optional<Mask>>;

/// Whether a type is a chain of layers, which carries masks by itself.
template <class M>
concept Carries = requires(const M& m, const Signal& x, const Context& context) {
  { m.run(x, context, true) } -> std::same_as<Signal>;
};

/// A module of any type. Copies share it.
class Layer {
 public:
  /// Takes the module over; from then on the module is reached through the layer.
  template <class M>
  requires(!std::same_as<std::remove_cvref_t<M>, Layer>) explicit Layer(M module)
      : self_(std::make_shared<Holder<M>>(std::move(module))),
        type_(std::is_class_v<M> ? type_name(typeid(M)) : "function") {
    static_assert(Module<M>,
                  "a layer is a module of one input: its call is const and takes Ids or a Tensor, "
                  "perhaps const std::optional<Mask>& behind it, and `const Context&` last");
    static_assert(building::builds_or_has_none<M>,
                  "a module's build is Shape build(const Shape& sample, const Rng& random)");
  }
  Layer(const Layer&) = default;             ///< shares the module, as a move does
  Layer& operator=(const Layer&) = default;  ///< shares the module, as a move does

  /// Returns the type of the module without its namespaces: "AttentionLayer". A type without a name
  /// is a "lambda" or a "function".
  const std::string& type() const& { return type_; }
  /// The same, of a temporary.
  std::string type() const&& { return type_; }

  /// Returns the name that `named` gave the layer, or none.
  const std::string& name() const& { return name_; }
  /// The same, of a temporary.
  std::string name() const&& { return name_; }

  /// Makes the parameters for samples of a shape, without the batch axis. Returns the shape of the
  /// result, which is that of the sample for a module without `build`. Throws ValueError for a
  /// softmax over one unit.
  Shape build(const Shape& sample, const Rng& random);

  /// Calls the module. Throws ValueError for an input of a kind that the module does not take, and
  /// StateError where a mask would be lost. A module that keeps positions gets zeros at masked
  /// positions that hold NaN or infinity.
  Signal call(const Signal& x, const Context& context) const;

  /// Returns the mask behind the module, for the mask before the module and the ids it is called
  /// with; null: it is called with a tensor.
  std::optional<Mask> mask(const std::optional<Mask>& before, const Ids* ids) const;

  /// Returns the activation that the module ends in and that `call_for_logits` leaves out; nothing
  /// for a module without members `activation` and `linear(x)`.
  std::optional<Activation> last_activation() const { return self_->last_activation(); }
  /// Calls the module without its last activation, if it has one that can be left out.
  Signal call_for_logits(const Signal& x, const Context& context) const;

  /// Throws ValueError for a softmax over one unit, which is always 1, where the options of the
  /// module tell.
  void check_options() const;

  /// Checks an input before any work is done. Throws ValueError for a kind that the module does not
  /// take, and IndexError for ids out of range.
  void check(const Signal& x) const;

  /// Returns the number of bytes of the parameters whose gradients are dense.
  Index dense_bytes() const { return self_->dense_bytes(); }

  /// Returns whether samples of a batch act on each other in this module, so that the batch must
  /// not be cut.
  bool mixes_samples() const { return self_->mixes_samples(); }

  /// Adds the outputs that the layers of a chain have for one sample. Adds nothing for another
  /// module.
  void note_outputs(std::vector<Trace::Output>& outputs) const { self_->note_outputs(outputs); }
  /// Tells a chain of layers its path in the model. Does nothing for another module.
  void place(const std::string& path) { self_->place(path); }

  /// Calls visit(path, tensor) for each parameter.
  void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const {
    self_->for_each(visit);
  }

  /// Returns how many elements the parameters hold.
  Index count() const;

  /// Returns the module itself, or null if it is of another type.
  template <class M>
  M* as() const {
    const auto* holder = dynamic_cast<Holder<M>*>(self_.get());
    return holder ? const_cast<M*>(&holder->module) : nullptr;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Shape build(const Shape& sample, const Rng& random) = 0;
    virtual std::optional<Tensor> call(const Signal& x, const Context& context) const = 0;
    virtual bool takes(const Signal& x) const = 0;
    virtual Tensor linear(const Tensor& x) const = 0;
    virtual std::optional<Activation> last_activation() const = 0;
    virtual std::optional<Index> units() const = 0;
    virtual std::optional<Mask> own_mask(const Ids& ids) const = 0;
    virtual MaskFlow mask_flow() const = 0;
    virtual void check(const Ids& ids) const = 0;
    virtual Index dense_bytes() const = 0;
    virtual void place(const std::string& path) = 0;
    virtual void note_outputs(std::vector<Trace::Output>& outputs) const = 0;
    virtual bool checked(const Signal& x) const = 0;
    virtual std::optional<Signal> run(const Signal& x, const Context& context,
                                      bool for_logits) const = 0;
    virtual std::optional<std::optional<Mask>> mask_behind(const std::optional<Mask>& before,
                                                           const Ids* ids) const = 0;
    virtual bool mixes_samples() const = 0;
    virtual void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) = 0;
  };

  template <class M>
  struct Holder final : Interface {
    explicit Holder(M m) : module(std::move(m)) {}

    Shape build(const Shape& sample, const Rng& random) override {
      return building::make(module, sample, random);
    }

    std::optional<Signal> run([[maybe_unused]] const Signal& x,
                              [[maybe_unused]] const Context& context,
                              [[maybe_unused]] bool for_logits) const override {
      if constexpr (Carries<M>)
        return module.run(x, context, for_logits);
      else
        return std::nullopt;
    }

    std::optional<std::optional<Mask>> mask_behind(
        [[maybe_unused]] const std::optional<Mask>& before,
        [[maybe_unused]] const Ids* ids) const override {
      if constexpr (Carries<M>)
        return module.mask_behind(before, ids);
      else
        return std::nullopt;
    }

    std::optional<Tensor> call(const Signal& x, const Context& context) const override {
      if (const Ids* ids = std::get_if<Ids>(&x.value)) {
        if constexpr (std::invocable<const M&, const Ids&, const Context&>)
          return module(*ids, context);
      } else {
        [[maybe_unused]] const Tensor& tensor = std::get<Tensor>(x.value);
        if constexpr (std::invocable<const M&, const Tensor&, const std::optional<Mask>&,
                                     const Context&>)
          return module(tensor, x.mask, context);
        else if constexpr (std::invocable<const M&, const Tensor&, const Context&>)
          return module(tensor, context);
      }
      return std::nullopt;
    }

    bool takes(const Signal& x) const override {
      constexpr bool with_mask =
          std::invocable<const M&, const Tensor&, const std::optional<Mask>&, const Context&>;
      constexpr bool numbers = with_mask || std::invocable<const M&, const Tensor&, const Context&>;
      return std::holds_alternative<Ids>(x.value)
                 ? std::invocable<const M&, const Ids&, const Context&>
                 : numbers;
    }

    Tensor linear(const Tensor& x) const override {
      if constexpr (requires { module.linear(x); })
        return module.linear(x);
      else
        return x;
    }

    std::optional<Activation> last_activation() const override {
      if constexpr (requires(const Tensor& x) {
                      module.linear(x);
                      module.activation == Activation::softmax;
                    })
        return module.activation;
      else if constexpr (Carries<M>)
        return module.last_activation();
      else
        return std::nullopt;
    }

    std::optional<Index> units() const override {
      if constexpr (requires { module.units == Index(); })
        return module.units;
      else if constexpr (requires { module.filters == Index(); })
        return module.filters;
      else
        return std::nullopt;
    }

    std::optional<Mask> own_mask([[maybe_unused]] const Ids& ids) const override {
      if constexpr (requires { module.mask(ids); })
        return module.mask(ids);
      else
        return std::nullopt;
    }

    MaskFlow mask_flow() const override {
      if constexpr (requires { module.mask_flow(); })
        return module.mask_flow();
      else
        return MaskFlow::loses;
    }

    void check([[maybe_unused]] const Ids& ids) const override {
      if constexpr (requires { module.check(ids); }) module.check(ids);
    }

    void note_outputs([[maybe_unused]] std::vector<Trace::Output>& outputs) const override {
      if constexpr (Carries<M>) module.note_outputs(outputs);
    }
    bool checked([[maybe_unused]] const Signal& x) const override {
      if constexpr (Carries<M>) module.check(x);
      return Carries<M>;
    }
    void place([[maybe_unused]] const std::string& path) override {
      if constexpr (Carries<M>) module.place(path);
    }
    Index dense_bytes() const override { return dense_bytes_of(module); }
    bool mixes_samples() const override { return mixes_samples_of(module); }
    void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) override {
      for_each_parameter(module, visit);
    }

    M module;
  };

  std::optional<Signal> without_dropped_nan(const Signal& x) const;
  friend Layer named(std::string name, Layer layer);

  [[noreturn]] void refuse_kind(const Signal& x) const;

  std::shared_ptr<Interface> self_;
  std::string type_;
  std::string name_ = {};
};

/// Returns the layer with a name of its own, in paths and in the summary. Throws ValueError for an
/// empty name, or one with a "/".
Layer named(std::string name, Layer layer);

/// Returns a module as a layer with a name of its own:
///
///     named("up", [](const Tensor& x, const Context&) { return x * 2; })
template <class M>
requires(!std::same_as<std::remove_cvref_t<M>, Layer> && Module<M>) Layer
    named(std::string name, M module) {
  return named(std::move(name), Layer(std::move(module)));
}

}}  // namespace fovea
