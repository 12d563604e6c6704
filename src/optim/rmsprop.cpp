#include "fovea/optim/rmsprop.hpp"

#include "optim/vector_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* plain[] = {"mean_square"};
constexpr const char* with_momentum[] = {"mean_square", "momentum"};
constexpr const char* with_mean[] = {"mean_square", "mean"};
constexpr const char* with_both[] = {"mean_square", "mean", "momentum"};

class RMSpropRule final : public VectorRule {
 public:
  explicit RMSpropRule(const RMSpropOptions& options)
      : VectorRule(kernels::rmsprop_kernels(options.centered, options.momentum > 0),
                   options.weight_decay > 0 || options.l2 > 0),
        o_(options) {}

  const char* name() const override { return "RMSprop"; }
  std::span<const char* const> slots() const override {
    if (o_.centered) return o_.momentum > 0 ? std::span<const char* const>(with_both) : with_mean;
    return o_.momentum > 0 ? std::span<const char* const>(with_momentum) : plain;
  }

  StepFactors factors(double rate, Index) const override {
    const bool keras = o_.form == RMSpropForm::keras;
    StepFactors f = {};
    f[kernels::rms_one_minus_rho] = static_cast<real>(1 - o_.rho);
    f[kernels::rms_inside] = static_cast<real>(keras ? o_.epsilon : 0);
    f[kernels::rms_outside] = static_cast<real>(keras ? 0 : o_.epsilon);
    f[kernels::rms_rate] = static_cast<real>(rate);
    f[kernels::rms_momentum] = static_cast<real>(o_.momentum);
    f[kernels::rms_keep] = static_cast<real>(1 - rate * o_.weight_decay);
    f[kernels::rms_l2] = static_cast<real>(o_.l2);
    return f;
  }

  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    RMSpropOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<RMSpropRule>(other);
  }

 private:
  RMSpropOptions o_;
};

const RMSpropOptions& checked(const RMSpropOptions& o) {
  const OptionCheck check{"RMSprop"};
  check.share("rho", o.rho);
  check.share("momentum", o.momentum);
  check.epsilon(o.epsilon);
  check.amount("weight_decay", o.weight_decay);
  check.amount("l2", o.l2);
  return o;
}

}  // namespace

RMSprop::RMSprop(const RMSpropOptions& options)
    : SlotOptimizer(std::make_shared<RMSpropRule>(checked(options)), step_options(options)) {}

}}  // namespace fovea
