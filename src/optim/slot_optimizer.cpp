#include "fovea/optim/slot_optimizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "optim/averaged_rule.hpp"
#include "optim/clipping.hpp"
#include "optim/lagging_table.hpp"
#include "optim/option_check.hpp"
#include "optim/sweep.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

SlotOptimizer::SlotOptimizer(std::shared_ptr<const UpdateRule> rule, LearningRate rate)
    : SlotOptimizer(std::move(rule), StepOptions{std::move(rate)}) {}

SlotOptimizer::SlotOptimizer(std::shared_ptr<const UpdateRule> rule, StepOptions options)
    : rule_(options.ema_momentum
                ? std::make_shared<AveragedRule>(std::move(rule), *options.ema_momentum)
                : std::move(rule)),
      rate_(0),
      clipping_(options.clipping),
      averages_(options.ema_momentum) {
  if (rule_->slots().size() > most_slots)
    throw ValueError(fmt::format("{}: expected at most {} slots, got {}", rule_->name(), most_slots,
                                 rule_->slots().size()));
  set_learning_rate(std::move(options.learning_rate));
  check_clipping();
  take_groups(std::move(options.groups));
}

SlotOptimizer::~SlotOptimizer() { put_weights_back(); }

// Without memory to bring rows up to date, the parameters keep their averages.
void SlotOptimizer::put_weights_back() noexcept {
  try {
    if (swapped_) swap_averages();
  } catch (...) {
    swapped_ = false;
  }
}

// The rule is shared, so that the other can still be asked for its name.
SlotOptimizer::SlotOptimizer(SlotOptimizer&& other) noexcept
    : rule_(other.rule_),
      rate_(other.rate_),
      clipping_(other.clipping_),
      groups_(std::exchange(other.groups_, {})),
      slots_(std::exchange(other.slots_, {})),
      steps_(std::exchange(other.steps_, 0)),
      contexts_(std::exchange(other.contexts_, 0)),
      averages_(other.averages_),
      swapped_(std::exchange(other.swapped_, false)) {}

SlotOptimizer& SlotOptimizer::operator=(SlotOptimizer&& other) noexcept {
  if (this == &other) return *this;
  put_weights_back();
  rule_ = other.rule_;
  rate_ = other.rate_;
  clipping_ = other.clipping_;
  groups_ = std::exchange(other.groups_, {});
  slots_ = std::exchange(other.slots_, {});
  steps_ = std::exchange(other.steps_, 0);
  contexts_ = std::exchange(other.contexts_, 0);
  averages_ = other.averages_;
  swapped_ = std::exchange(other.swapped_, false);
  return *this;
}

void SlotOptimizer::check_rate(double rate, std::optional<Index> step) const {
  if (OptionCheck::holds(rate)) return;
  throw ValueError(fmt::format("{}: learning_rate{} is {}; it must be at least 0 and finite",
                               rule_->name(), step ? fmt::format(" of step {}", *step) : "", rate));
}

double SlotOptimizer::rate_of_step() const {
  const double rate = rate_.at(steps_);
  check_rate(rate, steps_);
  return rate;
}

void SlotOptimizer::set_learning_rate(LearningRate rate) {
  if (rate.number()) check_rate(*rate.number());
  rate_ = std::move(rate);
}

void SlotOptimizer::reset() {
  if (swapped_) swap_averages();
  slots_.clear();
  for (Group& group : groups_) group.matches = group.applies = false;
  steps_ = 0;
  contexts_ = 0;
}

void SlotOptimizer::attach(std::vector<NamedParameter> parameters) {
  for (const NamedParameter& parameter : parameters)
    if (!parameter.tensor.defined())
      throw StateError(fmt::format(
          "{}: attach: the parameter {} is undefined; build the module that it belongs to first",
          rule_->name(), parameter.path));
  for (NamedParameter& parameter : parameters) {
    const bool known = std::ranges::any_of(slots_, [&](const Slot& slot) {
      return slot.parameter.node().get() == parameter.tensor.node().get();
    });
    if (known) continue;
    const std::optional<std::size_t> group = group_of(parameter.path);
    if (!parameter.tensor.requires_grad()) continue;
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < rule_->slots().size(); ++i)
      arrays.push_back(rule_->initial(i) == 0
                           ? Array::zeros(parameter.tensor.shape())
                           : Array::full(parameter.tensor.shape(), rule_->initial(i)));
    if (averages_) arrays.back() = parameter.tensor.value().clone();
    const std::span<const char* const> names = rule_->slots();
    slots_.push_back({std::move(parameter.path),
                      parameter.tensor,
                      {names.begin(), names.end()},
                      std::move(arrays),
                      steps_,
                      nullptr,
                      group});
  }
}

struct SlotOptimizer::Learning {
  Slot* slot;
  std::optional<Array> gradient;  // where it is dense
  StepFactors factors;
};

namespace {

// Gives the memory of a step back, however it ends.
struct Finish {
  const std::vector<SlotOptimizer::Slot>& slots;
  ~Finish() {
    for (const SlotOptimizer::Slot& slot : slots)
      if (slot.table) slot.table->finish();
  }
};

}  // namespace

// What may fail. Returns how many elements the step reads of the gradient.
Index SlotOptimizer::prepare(Slot& slot, const Gradient& gradient) {
  if (!slot.table && gradient.has_rows_only()) {
    if (LaggingRows* before = slot.parameter.node()->lagging) before->retire();
    slot.table = std::make_shared<LaggingTable>(rule_of(slot), slot.parameter, slot.arrays);
  }
  if (slot.table) {
    slot.table->prepare(gradient, slot.arrays);
    return slot.table->work();
  }
  // Values that somebody has copied are copied now.
  static_cast<Leaf&>(*slot.parameter.node()).numbers.mutable_data();
  for (Array& array : slot.arrays) array.mutable_data();
  return slot.parameter.shape().count();
}

// What cannot fail, as far as one thread does it by itself.
void SlotOptimizer::take_part(Learning& learning) const {
  Slot& slot = *learning.slot;
  if (slot.table) return slot.table->sort();
  Cells cells{slot.parameter.mutable_value().mutable_data(), {}, slot.parameter.shape().count()};
  for (std::size_t i = 0; i < slot.arrays.size(); ++i)
    cells.slots[i] = slot.arrays[i].mutable_data();
  sweep(*rule_of(slot), learning.factors, learning.gradient ? learning.gradient->data() : nullptr,
        cells);
}

// What may fail comes before anything moves. Ordering the rows of tables and updating dense
// parameters go side by side; the rows follow.
void SlotOptimizer::step() {
  if (slots_.empty())
    throw StateError(fmt::format(
        "{}: no trainable parameter is attached; call attach(model) once the model is built",
        rule_->name()));
  check_own_weights("step");
  check_groups();
  const double rate = rate_of_step();
  const parallel::FlushSubnormals flush;
  const ClippedGradients gradients(clipping_, slots_);
  const Finish at_end{slots_};
  memory::List<Learning> learning;
  learning.reserve(slots_.size());
  Index work = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.parameter.requires_grad()) continue;  // frozen since: it stands still
    const Gradient& gradient = gradients[i];
    work += prepare(slot, gradient);
    const bool as_before = !learning.empty() && learning.back().slot->before == slot.before &&
                           learning.back().slot->group == slot.group;
    learning.push_back(
        {&slot,
         slot.table || gradient.empty() ? std::nullopt : std::optional<Array>(gradient.array()),
         as_before ? learning.back().factors
                   : rule_of(slot)->factors(rate_of(slot, rate), steps_ - slot.before + 1)});
  }
  const auto count = static_cast<Index>(learning.size());
  const Index at_a_time = work < parallel::worth_a_task / 4 ? count : 1;
  parallel::for_range(count, at_a_time, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) take_part(learning[static_cast<std::size_t>(i)]);
  });
  for (const Learning& part : learning)
    if (part.slot->table) part.slot->table->step(part.factors);
  ++steps_;
  contexts_ = 0;
}

// The first of a step has the number that `fit` gives it; the others are numbers that no step
// reaches.
Context SlotOptimizer::context(std::uint64_t seed) {
  constexpr int bits_of_steps = 40;
  return {.training = true,
          .seed = seed,
          .step = static_cast<std::uint64_t>(steps_) + (contexts_++ << bits_of_steps)};
}

const std::vector<SlotOptimizer::Slot>& SlotOptimizer::slots() const& {
  for (const Slot& slot : slots_)
    if (slot.table) slot.table->settle_all();
  return slots_;
}

const Array& SlotOptimizer::Slot::operator[](std::string_view name) const& {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return arrays[i];
  throw IndexError(fmt::format("slot of {}: expected one of \"{}\", got \"{}\"", path,
                               fmt::join(names, "\", \""), name));
}

Index SlotOptimizer::slot_elements() const {
  Index count = 0;
  for (const Slot& slot : slots_)
    for (const Array& array : slot.arrays) count += array.count();
  return count;
}

void SlotOptimizer::check_own_weights(const char* call) const {
  if (swapped_)
    throw StateError(fmt::format(
        "{}: {}: expected the parameters, got their averages in place; call swap_averages() again",
        rule_->name(), call));
}

// A table that ends brings its rows up to date; the next step by rows begins another.
void SlotOptimizer::swap_averages() {
  if (!averages_ || steps_ == 0)
    throw StateError(
        fmt::format("{}: swap_averages: expected averages, got none; {}", rule_->name(),
                    averages_ ? "make a step first" : "make the optimizer with .use_ema = true"));
  for (Slot& slot : slots_) {
    slot.table.reset();
    std::swap(slot.parameter.mutable_value(), slot.arrays.back());
  }
  swapped_ = !swapped_;
}

void SlotOptimizer::zero_grad() const {
  for (const Slot& slot : slots_)
    if (slot.parameter.requires_grad()) slot.parameter.zero_grad();
}

}}  // namespace fovea
