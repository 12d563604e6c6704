// An optimiser of any type, as `compile` takes it.
#pragma once

#include <concepts>
#include <memory>

#include "fovea/optim/adam.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// An optimiser of any type: attach(parameters), step(), learning_rate(), set_learning_rate(rate).
/// A value: `compile` makes it the model's own.
class Optimizer {
 public:
  /// Takes an optimiser of any type.
  template <class O>
  requires(!std::same_as<std::remove_cvref_t<O>, Optimizer> &&
           requires(O & optimizer, std::vector<NamedParameter> parameters) {
             optimizer.attach(parameters);
             optimizer.step();
             optimizer.set_learning_rate(optimizer.learning_rate());
           }) Optimizer(O optimizer)
      : self_(std::make_shared<Holder<O>>(std::move(optimizer))) {}  // NOLINT: implicit on purpose

  Optimizer(const Optimizer&) = default;             ///< shares; so does a move
  Optimizer& operator=(const Optimizer&) = default;  ///< shares; so does a move

  /// A model's parameters; those of the model before are let go where the optimiser has a `reset`.
  /// Returns how many times the optimiser was attached to a model, this one included.
  std::uint64_t attach(std::vector<NamedParameter> parameters) {
    if (self_->attachments > 0) self_->reset();
    self_->attach(std::move(parameters));
    return ++self_->attachments;
  }
  std::uint64_t attachments() const { return self_->attachments; }  ///< how many so far
  void step() { self_->step(); }                                   ///< along the gathered gradients
  double learning_rate() const { return self_->learning_rate(); }  ///< of the next step
  void set_learning_rate(double rate) { self_->set_learning_rate(rate); }  ///< from now on

  /// The optimiser itself, or null if it is of another type.
  template <class O>
  O* as() const {
    auto* holder = dynamic_cast<Holder<O>*>(self_.get());
    return holder ? &holder->optimizer : nullptr;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual void attach(std::vector<NamedParameter> parameters) = 0;
    virtual void reset() = 0;
    virtual void step() = 0;
    virtual double learning_rate() const = 0;
    virtual void set_learning_rate(double rate) = 0;
    std::uint64_t attachments = 0;
  };
  template <class O>
  struct Holder final : Interface {
    explicit Holder(O o) : optimizer(std::move(o)) {}
    void attach(std::vector<NamedParameter> parameters) override {
      optimizer.attach(std::move(parameters));
    }
    void reset() override {
      if constexpr (requires { optimizer.reset(); }) optimizer.reset();
    }
    void step() override { optimizer.step(); }
    double learning_rate() const override { return optimizer.learning_rate(); }
    void set_learning_rate(double rate) override { optimizer.set_learning_rate(rate); }
    O optimizer;
  };

  std::shared_ptr<Interface> self_;
};

}}  // namespace fovea
