// What the rules have in common whose arithmetic is in kernels/update_rules.hpp.
#pragma once

#include "fovea/optim/update_rule.hpp"
#include "kernels/ahead.hpp"
#include "kernels/update_rules.hpp"
#include "optim/option_check.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A rule of vectors: what derives from it has names, slots and factors.
class VectorRule : public UpdateRule {
 public:
  void update(const StepFactors& factors, const real* gradient, const Cells& cells) const final {
    kernels_.update(factors, gradient, places_of(cells), cells.count,
                    kernels::left_to_ask_for(cells.total, cells.begin));
  }
  void update_row(const StepFactors& factors, std::span<const real* const> parts,
                  const Cells& cells) const final {
    kernels_.update_row(factors, parts, places_of(cells), cells.count);
  }
  void replay(const MissedSteps& steps, const Cells& cells) const final {
    kernels_.replay({steps.factors, steps.ends, steps.done, decays_}, places_of(cells),
                    cells.count);
  }

 protected:
  /// `decays`: whether parameters shrink without a gradient.
  VectorRule(const kernels::RuleKernels& kernels, bool decays)
      : kernels_(kernels), decays_(decays) {}

 private:
  static kernels::RulePlaces places_of(const Cells& cells) {
    return {cells.parameter, cells.slots};
  }

  kernels::RuleKernels kernels_;
  bool decays_;
};

}}  // namespace fovea
