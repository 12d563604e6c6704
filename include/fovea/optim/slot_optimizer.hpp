// What all optimisers have in common: parameters with their slots, and steps that happen to all of
// them or to none.
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

/// An optimiser that follows an UpdateRule, for the parameters of one model. Every parameter that
/// requires gradients moves in every step, a table's rows included that the batch did not touch.
/// Such rows are brought up to date when they are next read (by a gather, or whoever asks the
/// tensor for its value), bit for bit as if every step had swept the whole table; until then they
/// cost nothing.
class SlotOptimizer {
 public:
  /// Takes a rule and a rate. Throws ValueError for a rate out of range, and for a rule with more
  /// than `most_slots` slots.
  SlotOptimizer(std::shared_ptr<const UpdateRule> rule, LearningRate rate);
  /// Takes a rule, and what all optimisers can be told. Throws ValueError also for clipping out of
  /// range or of two kinds, and for groups out of range or with a decay where the rule has none.
  SlotOptimizer(std::shared_ptr<const UpdateRule> rule, StepOptions options);
  ~SlotOptimizer();
  SlotOptimizer(SlotOptimizer&&) noexcept;             ///< takes over parameters and slots
  SlotOptimizer& operator=(SlotOptimizer&&) noexcept;  ///< takes over parameters and slots

  /// Adds parameters to those that it has, with slots of zeros and steps of their own, counted from
  /// here. A parameter that is there already stays as it is; frozen ones are left alone.
  void attach(std::vector<NamedParameter> parameters);
  /// The parameters of a module. Throws StateError for one that is not built: it has some, and none
  /// with values.
  template <class Module>
  void attach(const Module& module) {
    bool any = false;
    for_each_parameter(module, [&](const ParameterPath&, const Tensor&) { any = true; });
    std::vector<NamedParameter> parameters = parameters_of(module);
    if (any && parameters.empty())
      throw StateError(rule_->name() +
                       std::string(": attach: the module is not built, and its parameters have no "
                                   "numbers yet; call build first"));
    attach(std::move(parameters));
  }

  /// Lets go of all parameters and their slots, and counts steps from 0.
  void reset();

  /// The context of the next forward pass of a loop of one's own: it trains, and has the number of
  /// its pass. Ask for one in each pass, for dropout to draw anew: optimizer.context(). The first
  /// pass of each step draws what fit would, by the model's seed.
  Context context(std::uint64_t seed = 0);

  /// Performs one update. A parameter without a gradient is updated as if its gradient were zero.
  /// Throws StateError when nothing is attached, ValueError when a schedule gives a rate out of
  /// range or a group has no parameters, and MemoryError; then no parameter has moved, and the step
  /// can be made again. Memory is taken for all parameters at once: some 36 bytes for each id of a
  /// table's gradient.
  void step();

  /// Clears the gradients of the parameters.
  void zero_grad() const;

  /// Exchanges all parameters with their averages, of an optimiser with use_ema, and back when
  /// called again; see AveragedWeights. Meanwhile step, state and load_state throw StateError.
  /// Throws StateError without averages, and before the first step.
  void swap_averages();
  bool averages_in_place() const { return swapped_; }  ///< whether parameters hold averages

  /// The number of steps made.
  Index steps() const { return steps_; }

  double learning_rate() const { return rate_.at(steps_); }  ///< of the next step
  /// A number or a schedule, for the steps from now on. Throws ValueError for a number that is
  /// negative or not finite.
  void set_learning_rate(LearningRate rate);

  /// A parameter with its slots.
  struct Slot {
    std::string path;                          ///< of the parameter in its model
    Tensor parameter;                          ///< the module's
    std::span<const char* const> names;        ///< of the arrays: UpdateRule::slots
    std::vector<Array> arrays;                 ///< of the parameter's shape
    Index before = 0;                          ///< steps made when it was attached
    std::shared_ptr<LaggingTable> table = {};  ///< once a batch has touched some of its rows
    std::optional<std::size_t> group = {};     ///< position of its group among the options

    /// The array of this name. Throws IndexError.
    const Array& operator[](std::string_view name) const&;
    Array operator[](std::string_view name) const&& { return (*this)[name]; }  ///< a copy
  };

  /// All of them, up to date. A copy stays as it is when steps go on.
  const std::vector<Slot>& slots() const&;
  std::vector<Slot> slots() const&& { return slots(); }  ///< the same, of a temporary

  /// How many elements the arrays of all slots hold together.
  Index slot_elements() const;

  /// All that it takes to resume, up to date. Options are not part of it, nor a schedule.
  OptimizerState state() const;

  /// Goes on from a state: attach the same parameters first, in the same order, and give them the
  /// values that they had. Steps are then bit for bit those that would have followed. Throws
  /// StateError where names of the optimiser, parameters or slots differ, ShapeError where shapes
  /// do, ValueError for counters and rates out of range, and MemoryError; then nothing has changed.
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

/// While it lives, the parameters of an optimiser with use_ema hold their averages:
/// `{ const AveragedWeights averages(optimizer); model.evaluate(x, y); }`.
class AveragedWeights {
 public:
  /// Puts the averages in place. Throws what swap_averages does.
  explicit AveragedWeights(SlotOptimizer& optimizer) : optimizer_(optimizer) {
    optimizer_.swap_averages();
  }
  /// Puts the weights back, unless somebody has.
  ~AveragedWeights() {
    if (optimizer_.averages_in_place()) optimizer_.swap_averages();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  SlotOptimizer& optimizer_;
};

}}  // namespace fovea
