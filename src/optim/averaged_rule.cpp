#include "optim/averaged_rule.hpp"

#include "kernels/update_rules.hpp"
#include "optim/option_check.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

AveragedRule::AveragedRule(std::shared_ptr<const UpdateRule> rule, double momentum)
    : rule_(std::move(rule)),
      momentum_(momentum),
      slots_(rule_->slots().begin(), rule_->slots().end()) {
  OptionCheck{rule_->name()}.share("ema_momentum", momentum);
  if (slots_.size() >= most_slots || rule_->factors(1, 1).back() != 0)
    throw ValueError(fmt::format(
        "{}: use_ema: expected a rule with a slot and a factor to spare, got {} slots and {} 8 "
        "factors; keep averages outside of the optimizer",
        rule_->name(), slots_.size(), rule_->factors(1, 1).back() != 0 ? "all" : "fewer than"));
  slots_.push_back("average");
}

StepFactors AveragedRule::factors(double rate, Index step) const {
  StepFactors result = rule_->factors(rate, step);
  result.back() = static_cast<real>(step == 1 ? 1 : 1 - momentum_);
  return result;
}

void AveragedRule::average(const StepFactors& factors, const Cells& cells) const {
  kernels::add_to_average(factors.back(), cells.parameter, cells.slots[slots_.size() - 1],
                          cells.count);
}

void AveragedRule::update(const StepFactors& factors, const real* gradient,
                          const Cells& cells) const {
  rule_->update(factors, gradient, cells);
  average(factors, cells);
}

void AveragedRule::update_row(const StepFactors& factors, std::span<const real* const> parts,
                              const Cells& cells) const {
  rule_->update_row(factors, parts, cells);
  average(factors, cells);
}

std::shared_ptr<const UpdateRule> AveragedRule::with_weight_decay(double weight_decay) const {
  std::shared_ptr<const UpdateRule> other = rule_->with_weight_decay(weight_decay);
  return other ? std::make_shared<AveragedRule>(std::move(other), momentum_) : nullptr;
}

}}  // namespace fovea
