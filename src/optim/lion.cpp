#include "fovea/optim/lion.hpp"

#include "optim/vector_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"mean"};

class LionRule final : public VectorRule {
 public:
  explicit LionRule(const LionOptions& options)
      : VectorRule(kernels::lion_kernels(), options.weight_decay > 0), o_(options) {}

  const char* name() const override { return "Lion"; }
  std::span<const char* const> slots() const override { return slot_names; }

  StepFactors factors(double rate, Index) const override {
    StepFactors f = {};
    f[kernels::lion_rate] = static_cast<real>(rate);
    f[kernels::lion_one_minus_beta_1] = static_cast<real>(1 - o_.beta_1);
    f[kernels::lion_one_minus_beta_2] = static_cast<real>(1 - o_.beta_2);
    f[kernels::lion_keep] = static_cast<real>(1 - rate * o_.weight_decay);
    return f;
  }

  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    LionOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<LionRule>(other);
  }

 private:
  LionOptions o_;
};

const LionOptions& checked(const LionOptions& o) {
  const OptionCheck check{"Lion"};
  check.share("beta_1", o.beta_1);
  check.share("beta_2", o.beta_2);
  check.amount("weight_decay", o.weight_decay);
  return o;
}

}  // namespace

Lion::Lion(const LionOptions& options)
    : SlotOptimizer(std::make_shared<LionRule>(checked(options)), step_options(options)) {}

}}  // namespace fovea
