#include "fovea/optim/adam.hpp"

#include <cmath>

#include "fovea/optim/adamw.hpp"
#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"
#include "optim/option_check.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"mean", "variance"};

kernels::AdamPlaces places_of(const Cells& cells) {
  return {cells.parameter, cells.slots[0], cells.slots[1]};
}

class AdamRule final : public UpdateRule {
 public:
  AdamRule(const AdamOptions& options, const char* name)
      : o_(options),
        name_(name),
        comes_to_rest_(o_.weight_decay == 0 && o_.l2 == 0 && o_.beta_1 * o_.beta_1 <= o_.beta_2) {}

  const char* name() const override { return name_; }
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

  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    AdamOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<AdamRule>(other, name_);
  }

 private:
  AdamOptions o_;
  const char* name_;
  // Whether gradients of zero let every parameter come to rest, so that a row may be left early
  // when it is brought up to date.
  bool comes_to_rest_;
};

const AdamOptions& checked(const AdamOptions& o, const char* name) {
  const OptionCheck check{name};
  check.share("beta_1", o.beta_1);
  check.share("beta_2", o.beta_2);
  check.epsilon(o.epsilon);
  check.amount("weight_decay", o.weight_decay);
  check.amount("l2", o.l2);
  return o;
}

}  // namespace

Adam::Adam(const AdamOptions& options) : Adam(options, "Adam") {}

Adam::Adam(const AdamOptions& options, const char* name)
    : SlotOptimizer(std::make_shared<AdamRule>(checked(options, name), name),
                    step_options(options)) {}

AdamW::AdamW(const AdamWOptions& o)
    : Adam({.learning_rate = o.learning_rate,
            .beta_1 = o.beta_1,
            .beta_2 = o.beta_2,
            .epsilon = o.epsilon,
            .form = o.form,
            .weight_decay = o.weight_decay,
            .clipvalue = o.clipvalue,
            .clipnorm = o.clipnorm,
            .global_clipnorm = o.global_clipnorm,
            .groups = o.groups,
            .use_ema = o.use_ema,
            .ema_momentum = o.ema_momentum},
           "AdamW") {}

}}  // namespace fovea
