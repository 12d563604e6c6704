// A rule that also keeps an average of the parameter.
#pragma once

#include <memory>
#include <vector>

#include "fovea/optim/update_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Another rule, behind each step of which average = momentum average + (1 - momentum) p; after the
/// first step it is p. The average is a slot, so it is exact for rows that lag. Takes the last
/// factor.
class AveragedRule final : public UpdateRule {
 public:
  /// Throws ValueError for a momentum out of range, and for a rule that uses all slots or factors.
  AveragedRule(std::shared_ptr<const UpdateRule> rule, double momentum);

  const char* name() const override { return rule_->name(); }
  std::span<const char* const> slots() const override { return slots_; }
  real initial(std::size_t slot) const override {
    return slot + 1 == slots_.size() ? 0 : rule_->initial(slot);
  }
  StepFactors factors(double rate, Index step) const override;
  void update(const StepFactors& factors, const real* gradient, const Cells& cells) const override;
  void update_row(const StepFactors& factors, std::span<const real* const> parts,
                  const Cells& cells) const override;
  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override;
  bool lazy() const override { return rule_->lazy(); }

 private:
  void average(const StepFactors& factors, const Cells& cells) const;

  std::shared_ptr<const UpdateRule> rule_;
  double momentum_;
  std::vector<const char*> slots_;
};

}}  // namespace fovea
