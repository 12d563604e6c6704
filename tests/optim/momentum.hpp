// An optimiser as docs/adding_an_optimizer.md shows it: gradient descent with momentum.
#pragma once

#include "fovea/optim/slot_optimizer.hpp"

namespace toy {

using namespace fovea;

struct MomentumOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.9;
};

/// velocity = momentum velocity + gradient; parameter -= rate velocity.
class MomentumRule final : public UpdateRule {
 public:
  explicit MomentumRule(double momentum) : momentum_(momentum) {}

  const char* name() const override { return "Momentum"; }
  std::span<const char* const> slots() const override { return names; }
  StepFactors factors(double rate, Index) const override {
    return {static_cast<real>(rate), static_cast<real>(momentum_)};
  }
  void update(const StepFactors& factors, const real* gradient, const Cells& cells) const override {
    const auto [rate, momentum] = std::pair(factors[0], factors[1]);
    real* const velocity = cells.slots[0];
    for (Index i = 0; i < cells.count; ++i) {
      velocity[i] = momentum * velocity[i] + (gradient ? gradient[i] : 0);
      cells.parameter[i] -= rate * velocity[i];
    }
  }

 private:
  static constexpr const char* names[] = {"velocity"};
  double momentum_;
};

struct Momentum : SlotOptimizer {
  explicit Momentum(const MomentumOptions& o = {})
      : SlotOptimizer(std::make_shared<MomentumRule>(o.momentum), o.learning_rate) {}
};

}  // namespace toy
