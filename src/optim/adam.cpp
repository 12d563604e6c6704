#include "fovea/optim/adam.hpp"

#include <cmath>

#include "fovea/optim/adamw.hpp"
#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"
#include "optim/option_check.hpp"
#include "optim/vector_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"mean", "variance"};

kernels::AdamPlaces places_of(const Cells& cells) {
  return {cells.parameter, cells.slots[0], cells.slots[1]};
}

// In the order of kernels::AdamFactor. Computed in double and rounded once.
StepFactors adam_factors(const AdamOptions& o, double learning_rate, Index step) {
  const auto t = static_cast<double>(step);
  const double correction_1 = 1 - std::pow(o.beta_1, t),
               correction_2 = std::sqrt(1 - std::pow(o.beta_2, t));
  const bool pytorch = o.form == AdamForm::pytorch;
  const double rate =
      pytorch ? learning_rate / correction_1 : learning_rate * correction_2 / correction_1;
  const double root_scale = pytorch ? 1 / correction_2 : 1;
  return {static_cast<real>(1 - o.beta_1),
          static_cast<real>(1 - o.beta_2),
          static_cast<real>(rate),
          static_cast<real>(root_scale),
          static_cast<real>(o.epsilon),
          static_cast<real>(o.l2),
          static_cast<real>(1 - learning_rate * o.weight_decay)};
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

  StepFactors factors(double learning_rate, Index step) const override {
    return adam_factors(o_, learning_rate, step);
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

constexpr const char* amsgrad_slot_names[] = {"mean", "variance", "largest_variance"};

class AmsgradRule final : public VectorRule {
 public:
  AmsgradRule(const AdamOptions& options, const char* name)
      : VectorRule(kernels::amsgrad_kernels(), options.weight_decay > 0 || options.l2 > 0),
        o_(options),
        name_(name) {}

  const char* name() const override { return name_; }
  std::span<const char* const> slots() const override { return amsgrad_slot_names; }
  bool lazy() const override { return o_.lazy; }
  StepFactors factors(double learning_rate, Index step) const override {
    return adam_factors(o_, learning_rate, step);
  }
  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    AdamOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<AmsgradRule>(other, name_);
  }

 private:
  AdamOptions o_;
  const char* name_;
};

std::shared_ptr<const UpdateRule> adam_rule(const AdamOptions& o, const char* name) {
  if (o.amsgrad) return std::make_shared<AmsgradRule>(o, name);
  return std::make_shared<AdamRule>(o, name);
}

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
    : SlotOptimizer(adam_rule(checked(options, name), name), step_options(options)) {}

AdamW::AdamW(const AdamWOptions& o)
    : Adam({.learning_rate = o.learning_rate,
            .beta_1 = o.beta_1,
            .beta_2 = o.beta_2,
            .epsilon = o.epsilon,
            .form = o.form,
            .weight_decay = o.weight_decay,
            .amsgrad = o.amsgrad,
            .clipvalue = o.clipvalue,
            .clipnorm = o.clipnorm,
            .global_clipnorm = o.global_clipnorm,
            .groups = o.groups,
            .use_ema = o.use_ema,
            .ema_momentum = o.ema_momentum},
           "AdamW") {}

}}  // namespace fovea
