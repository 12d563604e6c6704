#include "fovea/optim/adam.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"mean", "variance"};

kernels::AdamPlaces places_of(const Cells& cells) {
  return {cells.parameter, cells.slots[0], cells.slots[1]};
}

class AdamRule final : public UpdateRule {
 public:
  explicit AdamRule(const AdamOptions& options)
      : o_(options),
        comes_to_rest_(o_.weight_decay == 0 && o_.l2 == 0 && o_.beta_1 * o_.beta_1 <= o_.beta_2) {}

  const char* name() const override { return "Adam"; }
  std::span<const char* const> slots() const override { return slot_names; }
  bool lazy() const override { return o_.lazy; }

  // In the order of kernels::AdamFactor. Computed in double and rounded once.
  StepFactors factors(double learning_rate, Index step) const override {
    const auto t = static_cast<double>(step);
    const double correction_1 = 1 - std::pow(o_.beta_1, t),
                 correction_2 = std::sqrt(1 - std::pow(o_.beta_2, t));
    const bool pytorch = o_.form == AdamForm::pytorch;
    const double rate =
        pytorch ? learning_rate / correction_1 : learning_rate * correction_2 / correction_1;
    const double root_scale = pytorch ? 1 / correction_2 : 1;
    return {static_cast<real>(1 - o_.beta_1),
            static_cast<real>(1 - o_.beta_2),
            static_cast<real>(rate),
            static_cast<real>(root_scale),
            static_cast<real>(o_.epsilon),
            static_cast<real>(o_.l2),
            static_cast<real>(1 - learning_rate * o_.weight_decay)};
  }

  void update(const StepFactors& factors, const real* gradient, const Cells& cells) const override {
    kernels::adam(factors, gradient, places_of(cells), cells.count,
                  kernels::left_to_ask_for(cells.total, cells.begin));
  }

  void update_row(const StepFactors& factors, std::span<const real* const> parts,
                  const Cells& cells) const override {
    kernels::adam_row(factors, parts, places_of(cells), cells.count);
  }

  void replay(const MissedSteps& steps, const Cells& cells) const override {
    kernels::adam_replay({steps.factors, steps.ends, steps.done, comes_to_rest_,
                          steps.largest[kernels::AdamFactor::rate],
                          steps.factors.back()[kernels::AdamFactor::root_scale]},
                         places_of(cells), cells.count);
  }

 private:
  AdamOptions o_;
  // Whether gradients of zero let every parameter come to rest, so that a row may be left early
  // when it is brought up to date.
  bool comes_to_rest_;
};

void check(bool right, const char* option, double value, const char* rule) {
  if (!right) throw ValueError(fmt::format("Adam: {} is {}; it must be {}", option, value, rule));
}

const AdamOptions& checked(const AdamOptions& o) {
  check(o.beta_1 >= 0 && o.beta_1 < 1, "beta_1", o.beta_1, "at least 0 and below 1");
  check(o.beta_2 >= 0 && o.beta_2 < 1, "beta_2", o.beta_2, "at least 0 and below 1");
  check(o.epsilon >= std::numeric_limits<real>::min() && std::isfinite(o.epsilon), "epsilon",
        o.epsilon, "above 0, finite, and not so small that it counts as 0 in training");
  check(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "weight_decay", o.weight_decay,
        "at least 0 and finite");
  check(o.l2 >= 0 && std::isfinite(o.l2), "l2", o.l2, "at least 0 and finite");
  return o;
}

}  // namespace

Adam::Adam(const AdamOptions& options)
    : SlotOptimizer(std::make_shared<AdamRule>(checked(options)), options.learning_rate) {}

}}  // namespace fovea
