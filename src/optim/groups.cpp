// Groups of parameters and clipping, as SlotOptimizer is told of them.
#include <fmt/format.h>

#include <limits>

#include "fovea/optim/slot_optimizer.hpp"
#include "optim/option_check.hpp"
#include "optim/path_pattern.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void SlotOptimizer::check_clipping() const {
  const OptionCheck check{rule_->name()};
  int given = 0;
  const auto bound = [&](const char* name, const std::optional<double>& value) {
    if (!value) return;
    check(*value > 0 && OptionCheck::holds(*value), name, *value, "above 0 and finite");
    check(*value >= double(std::numeric_limits<real>::min()), name, *value,
          "no subnormal number, which would count as 0");
    ++given;
  };
  bound("clipvalue", clipping_.value);
  bound("clipnorm", clipping_.norm);
  bound("global_clipnorm", clipping_.global_norm);
  if (given > 1)
    throw ValueError(fmt::format(
        "{}: clipping: expected at most one of clipvalue, clipnorm and global_clipnorm, got {}; "
        "leave the others out",
        rule_->name(), given));
}

void SlotOptimizer::take_groups(std::vector<ParameterGroup> groups) {
  for (ParameterGroup& group : groups) {
    const GroupOptions& o = group.options;
    const std::string owner = fmt::format("{}: group \"{}\"", rule_->name(), group.pattern);
    const OptionCheck check{owner.c_str()};
    if (o.learning_rate && o.learning_rate->number())
      check.amount("learning_rate", *o.learning_rate->number());
    check.amount("learning_rate_factor", o.learning_rate_factor);
    if (o.learning_rate && o.learning_rate_factor != 1)
      throw ValueError(fmt::format(
          "{}: expected a learning_rate or a learning_rate_factor, got both; leave one out",
          owner));
    std::shared_ptr<const UpdateRule> rule = rule_;
    if (o.weight_decay) {
      check.amount("weight_decay", *o.weight_decay);
      rule = rule_->with_weight_decay(*o.weight_decay);
      if (!rule)
        throw ValueError(fmt::format(
            "{}: weight_decay: expected none, got {}; the optimizer has no weight decay", owner,
            *o.weight_decay));
    }
    groups_.push_back({std::move(group), std::move(rule)});
  }
}

std::optional<std::size_t> SlotOptimizer::group_of(const std::string& path) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (!matches(groups_[i].given.pattern, path)) continue;
    groups_[i].matches = true;
    if (first) continue;
    groups_[i].applies = true;
    first = i;
  }
  return first;
}

std::shared_ptr<const UpdateRule> SlotOptimizer::rule_of(const Slot& slot) const {
  return slot.group ? groups_[*slot.group].rule : rule_;
}

// Not in `attach`, which may be called once for each module.
void SlotOptimizer::check_groups() const {
  for (const Group& group : groups_) {
    if (group.applies) continue;
    if (group.matches)
      throw ValueError(fmt::format(
          "{}: group \"{}\": expected a parameter of its own, got none; groups before it take all "
          "that it matches: put it first",
          rule_->name(), group.given.pattern));
    std::string paths;
    for (const Slot& slot : slots_) paths += (paths.empty() ? "" : ", ") + slot.path;
    throw ValueError(fmt::format(
        "{}: group \"{}\": expected a pattern that matches a path, got none that does; the paths "
        "are {}",
        rule_->name(), group.given.pattern, paths));
  }
}

double SlotOptimizer::rate_of(const Slot& slot, double rate) const {
  if (!slot.group) return rate;
  const GroupOptions& o = groups_[*slot.group].given.options;
  const double result =
      o.learning_rate ? o.learning_rate->at(steps_) : rate * o.learning_rate_factor;
  check_rate(result, steps_);
  return result;
}

}}  // namespace fovea
