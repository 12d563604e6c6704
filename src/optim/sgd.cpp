#include "fovea/optim/sgd.hpp"

#include "optim/vector_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* slot_names[] = {"momentum"};

class SGDRule final : public VectorRule {
 public:
  explicit SGDRule(const SGDOptions& options)
      : VectorRule(kernels::sgd_kernels(options.momentum > 0),
                   options.weight_decay > 0 || options.l2 > 0),
        o_(options) {}

  const char* name() const override { return "SGD"; }
  std::span<const char* const> slots() const override {
    return std::span(slot_names).first(o_.momentum > 0 ? 1 : 0);
  }

  StepFactors factors(double rate, Index step) const override {
    const bool keras = o_.form == SGDForm::keras;
    const double share = keras       ? -rate
                         : step == 1 ? 1
                                     : 1 - o_.dampening,
                 by_slot = (keras ? 1 : -rate) * (o_.nesterov ? o_.momentum : 1);
    StepFactors f = {};
    f[kernels::sgd_momentum] = static_cast<real>(o_.momentum);
    f[kernels::sgd_share] = static_cast<real>(share);
    f[kernels::sgd_by_slot] = static_cast<real>(by_slot);
    f[kernels::sgd_by_gradient] = static_cast<real>(o_.nesterov || o_.momentum == 0 ? -rate : 0);
    f[kernels::sgd_keep] = static_cast<real>(1 - rate * o_.weight_decay);
    f[kernels::sgd_l2] = static_cast<real>(o_.l2);
    return f;
  }

  std::shared_ptr<const UpdateRule> with_weight_decay(double weight_decay) const override {
    SGDOptions other = o_;
    other.weight_decay = weight_decay;
    return std::make_shared<SGDRule>(other);
  }

 private:
  SGDOptions o_;
};

const SGDOptions& checked(const SGDOptions& o) {
  const OptionCheck check{"SGD"};
  check.share("momentum", o.momentum);
  check.share("dampening", o.dampening);
  check.amount("weight_decay", o.weight_decay);
  check.amount("l2", o.l2);
  if (o.nesterov && o.momentum == 0)
    throw ValueError("SGD: nesterov: expected a momentum above 0, got 0; give one");
  if (o.dampening > 0 && (o.form == SGDForm::keras || o.momentum == 0 || o.nesterov))
    throw ValueError(fmt::format(
        "SGD: dampening: expected 0, got {}; it belongs to PyTorch's form with a momentum and "
        "without nesterov: set .form = SGDForm::pytorch",
        o.dampening));
  return o;
}

}  // namespace

SGD::SGD(const SGDOptions& options)
    : SlotOptimizer(std::make_shared<SGDRule>(checked(options)), step_options(options)) {}

}}  // namespace fovea
