// An optimiser of any type, as `compile` takes it.
#pragma once

#include <concepts>
#include <memory>

#include "fovea/optim/adam.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// An optimiser of any type. The type must have attach(parameters), step(), learning_rate() and
/// set_learning_rate(rate). It may have rate(), reset(), slot_elements(), state() and
/// load_state(state). `compile` makes the optimiser the model's own.
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

  /// Attaches the parameters of a model. Detaches those of the model before, where the optimiser
  /// has a `reset`. A state that was loaded since the last step is loaded into these parameters.
  /// Returns how often the optimiser was attached to a model, this time included.
  std::uint64_t attach(std::vector<NamedParameter> parameters) {
    if (self_->attachments > 0) self_->reset();
    self_->attach(std::move(parameters));
    ++self_->attachments;
    if (self_->loaded) self_->load_state(*self_->loaded);
    self_->waits = false;
    return self_->attachments;
  }
  /// Returns how often the optimiser was attached to a model.
  std::uint64_t attachments() const { return self_->attachments; }
  /// Performs one update.
  void step() {
    if (self_->waits) self_->load_state(*self_->loaded);
    self_->waits = false;
    self_->loaded.reset();
    self_->step();
  }
  /// Returns the rate of the next step.
  double learning_rate() const {
    return self_->waits && self_->loaded->learning_rate ? *self_->loaded->learning_rate
                                                        : self_->learning_rate();
  }
  /// Returns the number, or the schedule, that gives the rates. Of a type without `rate()` that is
  /// the rate of the next step.
  LearningRate rate() const {
    return self_->waits && self_->loaded->learning_rate ? *self_->loaded->learning_rate
                                                        : self_->rate();
  }
  /// Sets a number or a schedule for the following steps. Throws StateError for a schedule where
  /// the optimiser takes numbers only.
  void set_learning_rate(const LearningRate& rate) {
    self_->set_learning_rate(rate);
    if (self_->waits) self_->loaded->learning_rate = rate.number();
  }

  /// Returns how many elements the optimiser keeps beside the parameters; 0 where its type does not
  /// say.
  Index slot_elements() const { return self_->slot_elements(); }

  /// Returns all that is needed to resume. Throws StateError where the type has no state().
  OptimizerState state() const { return self_->waits ? *self_->loaded : self_->state(); }
  /// Continues from a state. An optimiser that is not attached loads the state when it is: a model
  /// attaches its optimiser when training begins, which then throws where the state does not fit.
  /// Throws StateError where the type has no load_state(state), and what that throws.
  void load_state(const OptimizerState& state) {
    self_->check_loads();
    if (self_->attachments > 0) self_->load_state(state);
    self_->loaded = state;
    self_->waits = self_->attachments == 0;
  }

  /// All that steps change, for what must leave no trace.
  struct Snapshot {
    OptimizerState state;                  ///< of the optimiser, where it is attached
    LearningRate rate;                     ///< number or schedule
    std::uint64_t attachments;             ///< to models
    std::optional<OptimizerState> loaded;  ///< since the last step
    bool waits;                            ///< whether it is still to be loaded
  };
  /// Returns all that steps change. Throws StateError where the type has no state.
  Snapshot snapshot() const {
    self_->check_loads();
    return {self_->attachments > 0 ? self_->state() : OptimizerState(), self_->rate(),
            self_->attachments, self_->loaded, self_->waits};
  }
  /// Puts back what a snapshot holds, of the same model.
  void restore(const Snapshot& snapshot) {
    if (snapshot.attachments == 0) {
      self_->reset();
    } else {
      self_->load_state(snapshot.state);
    }
    self_->set_learning_rate(snapshot.rate);
    self_->attachments = snapshot.attachments;
    self_->loaded = snapshot.loaded;
    self_->waits = snapshot.waits;
  }

  /// Returns the optimiser itself, or null where it is of another type.
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
    virtual LearningRate rate() const = 0;
    virtual void set_learning_rate(const LearningRate& rate) = 0;
    virtual Index slot_elements() const = 0;
    virtual OptimizerState state() const = 0;
    virtual void check_loads() const = 0;
    virtual void load_state(const OptimizerState& state) = 0;
    std::uint64_t attachments = 0;
    std::optional<OptimizerState> loaded;  // since the last step
    bool waits = false;                    // whether it is still to be loaded
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
    LearningRate rate() const override {
      if constexpr (requires { optimizer.rate(); })
        return optimizer.rate();
      else
        return optimizer.learning_rate();
    }
    void set_learning_rate(const LearningRate& rate) override {
      if constexpr (requires { optimizer.set_learning_rate(rate); })
        optimizer.set_learning_rate(rate);
      else if (rate.number())
        optimizer.set_learning_rate(*rate.number());
      else
        throw StateError(
            "set_learning_rate: expected a number, got a schedule; let set_learning_rate of the "
            "optimizer take a LearningRate");
    }
    Index slot_elements() const override {
      if constexpr (requires { optimizer.slot_elements(); }) return optimizer.slot_elements();
      return 0;
    }
    OptimizerState state() const override {
      if constexpr (requires { optimizer.state(); })
        return optimizer.state();
      else
        throw StateError(
            "state: the optimizer has none; give its type state() and load_state(state)");
    }
    void check_loads() const override {
      if constexpr (!requires(O & o, const OptimizerState& state) { o.load_state(state); })
        throw StateError(
            "load_state: the optimizer has none; give its type state() and load_state(state)");
    }
    void load_state(const OptimizerState& state) override {
      if constexpr (requires { optimizer.load_state(state); }) optimizer.load_state(state);
    }
    O optimizer;
  };

  std::shared_ptr<Interface> self_;
};

}}  // namespace fovea
