// The framework of all optimisers: parameters with their slots, and steps that update all
// parameters or none.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/optim/learning_rate.hpp"
#include "fovea/optim/optimizer_state.hpp"
#include "fovea/optim/step_options.hpp"
#include "fovea/optim/update_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class LaggingTable;

/// An optimiser that follows an UpdateRule, for the parameters of one model. Every step updates
/// every parameter that requires gradients, and of a table also the rows that the batch did not
/// touch. Such rows are brought up to date when they are next read, by a gather or by `value()`,
/// with the same bits as if every step had updated the whole table. Until then they cost nothing.
///
/// It can be moved, not copied: two would update the same parameters. `state` gives a copy of what
/// it has learnt.
class SlotOptimizer {
 public:
  /// Takes a rule and a rate. Throws ValueError for a rate out of range, and for a rule with more
  /// than `most_slots` slots.
  SlotOptimizer(std::shared_ptr<const UpdateRule> rule, LearningRate rate);
  /// Takes a rule, and what all optimisers can be told. Throws ValueError also for clipping out of
  /// range or of two kinds, and for groups out of range or with a decay where the rule has none.
  SlotOptimizer(std::shared_ptr<const UpdateRule> rule, StepOptions options);
  ~SlotOptimizer();
  /// Takes over parameters and slots.
  SlotOptimizer(SlotOptimizer&&) noexcept;
  /// Takes over parameters and slots.
  SlotOptimizer& operator=(SlotOptimizer&&) noexcept;

  /// Adds parameters, with slots of zeros. Each counts its own steps from here. Does nothing for a
  /// parameter that is attached already, and for frozen ones.
  void attach(std::vector<NamedParameter> parameters);
  /// Adds the parameters of a module. Throws StateError for a module that is not built.
  template <class Module>
  void attach(const Module& module) {
    bool any = false;
    for_each_parameter(module, [&](const ParameterPath&, const Tensor&) { any = true; });
    std::vector<NamedParameter> parameters = parameters_of(module);
    if (any && parameters.empty())
      throw StateError(rule_->name() +
                       std::string(": attach: the module is not built, and its parameters have no "
                                   "values yet; call build first"));
    attach(std::move(parameters));
  }

  /// Removes all parameters and their slots, and counts steps from 0.
  void reset();

  /// Returns the context of the next forward pass of a training loop of one's own. Ask for one in
  /// each pass: then dropout draws other numbers in each. The first pass of each step draws what
  /// fit would, by the model's seed.
  Context context(std::uint64_t seed = 0);

  /// Performs one update. A parameter without a gradient is updated as if its gradient were zero.
  /// Throws StateError when nothing is attached, ValueError when a schedule gives a rate out of
  /// range or a group has no parameters, and MemoryError; then nothing was updated, and the step
  /// can be repeated. Memory is allocated before the first parameter is updated: some 36 bytes for
  /// each id of a table's gradient.
  void step();

  /// Clears the gradients of the parameters.
  void zero_grad() const;

  /// Exchanges all parameters with their averages, of an optimiser with use_ema, and back when
  /// called again; see AveragedWeights. Meanwhile step, state and load_state throw StateError.
  /// Throws StateError without averages, and before the first step.
  void swap_averages();
  /// Returns whether the parameters hold their averages.
  bool averages_in_place() const { return swapped_; }

  /// Returns the number of steps made.
  Index steps() const { return steps_; }

  /// Returns the rate of the next step.
  double learning_rate() const { return rate_.at(steps_); }
  /// Returns the number, or the schedule, that gives the rates.
  const LearningRate& rate() const& { return rate_; }
  /// The same, of a temporary.
  LearningRate rate() const&& { return rate_; }
  /// Sets a number or a schedule for the following steps. Throws ValueError for a number that is
  /// negative or not finite.
  void set_learning_rate(LearningRate rate);

  /// A parameter with its slots.
  struct Slot {
    /// The path of the parameter in its model.
    std::string path;
    /// The parameter of the module.
    Tensor parameter;
    /// The names of the arrays, literals: UpdateRule::slots.
    std::vector<const char*> names;
    /// The arrays, of the parameter's shape.
    std::vector<Array> arrays;
    /// The steps made before the parameter was attached.
    Index before = 0;
    /// The rows that lag behind; null until a batch has touched some rows only.
    std::shared_ptr<LaggingTable> table = {};
    /// The position of its group among the options.
    std::optional<std::size_t> group = {};

    /// Returns the array of this name. Throws IndexError.
    const Array& operator[](std::string_view name) const&;
    /// The same, of a temporary.
    Array operator[](std::string_view name) const&& { return (*this)[name]; }
  };

  /// Returns all parameters with their slots, up to date. Later steps do not change a copy.
  const std::vector<Slot>& slots() const&;
  /// The same, of a temporary.
  std::vector<Slot> slots() const&& { return slots(); }

  /// Returns how many elements the arrays of all slots hold together.
  Index slot_elements() const;

  /// Returns all that is needed to resume, up to date, but for the options and a schedule.
  OptimizerState state() const;

  /// Continues from a state: attach the same parameters first, in the same order, with the values
  /// that they had. Steps then have the bits of those that would have followed. Throws StateError
  /// where names of the optimiser, parameters or slots differ, ShapeError where shapes differ,
  /// ValueError for counters and rates out of range, and MemoryError; then nothing has changed.
  void load_state(const OptimizerState& state);

 private:
  struct Learning;  // a parameter that takes part in a step
  struct Group {
    ParameterGroup given;
    std::shared_ptr<const UpdateRule> rule;
    bool matches = false, applies = false;  // to any parameter; to one that no group before takes
  };

  double rate_of_step() const;
  double rate_of(const Slot& slot, double rate) const;
  void check_rate(double rate, std::optional<Index> step = {}) const;
  void check_clipping() const;
  void check_own_weights(const char* call) const;
  void take_groups(std::vector<ParameterGroup> groups);
  void check_groups() const;
  std::optional<std::size_t> group_of(const std::string& path);
  std::shared_ptr<const UpdateRule> rule_of(const Slot& slot) const;
  Index prepare(Slot& slot, const Gradient& gradient);
  void take_part(Learning& learning) const;
  std::vector<std::string> unique_paths() const;
  void check(const OptimizerState& state, const std::vector<std::string>& paths) const;
  void put_weights_back() noexcept;

  std::shared_ptr<const UpdateRule> rule_;
  LearningRate rate_;
  Clipping clipping_;
  std::vector<Group> groups_;
  std::vector<Slot> slots_;
  Index steps_ = 0;
  std::uint64_t contexts_ = 0;  // given out since the last step
  bool averages_ = false;       // kept
  bool swapped_ = false;        // with the averages, in place
};

/// A scope in which the parameters of an optimiser with use_ema hold their averages:
/// `{ const AveragedWeights averages(optimizer); model.evaluate(x, y); }`.
class AveragedWeights {
 public:
  /// Puts the averages in place. Throws what swap_averages does.
  explicit AveragedWeights(SlotOptimizer& optimizer) : optimizer_(optimizer) {
    optimizer_.swap_averages();
  }
  /// Puts the weights back, unless swap_averages or reset did.
  ~AveragedWeights() {
    if (optimizer_.averages_in_place()) optimizer_.swap_averages();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  SlotOptimizer& optimizer_;
};

}}  // namespace fovea
