#include "fovea/optim/adagrad.hpp"

#include "optim/vector_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"accumulator"};

class AdagradRule final : public VectorRule {
 public:
  explicit AdagradRule(const AdagradOptions& options)
      : VectorRule(kernels::adagrad_kernels(), options.weight_decay > 0 || options.l2 > 0),
        o_(options) {}

  const char* name() const override { return "Adagrad"; }
  std::span<const char* const> slots() const override { return slot_names; }
  real initial(std::size_t) const override {
    return static_cast<real>(o_.initial_accumulator_value);
  }

  StepFactors factors(double rate, Index) const override {
    const bool keras = o_.form == AdagradForm::keras;
    StepFactors f = {};
    f[kernels::adagrad_rate] = static_cast<real>(rate);
    f[kernels::adagrad_inside] = static_cast<real>(keras ? o_.epsilon : 0);
    f[kernels::adagrad_outside] = static_cast<real>(keras ? 0 : o_.epsilon);
    f[kernels::adagrad_keep] = static_cast<real>(1 - rate * o_.weight_decay);
    f[kernels::adagrad_l2] = static_cast<real>(o_.l2);
    return f;
  }

  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    AdagradOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<AdagradRule>(other);
  }

 private:
  AdagradOptions o_;
};

const AdagradOptions& checked(const AdagradOptions& o) {
  const OptionCheck check{"Adagrad"};
  check.amount("initial_accumulator_value", o.initial_accumulator_value);
  check.epsilon(o.epsilon);
  check.amount("weight_decay", o.weight_decay);
  check.amount("l2", o.l2);
  return o;
}

}  // namespace

Adagrad::Adagrad(const AdagradOptions& options)
    : SlotOptimizer(std::make_shared<AdagradRule>(checked(options)), step_options(options)) {}

}}  // namespace fovea
