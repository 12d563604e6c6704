// Steps of update rules over neighbouring elements: one step over many, and many steps over one
// row. Each rule is one formula of vectors, from which all three loops are made, so that a row that
// is brought up to date has the bits of one that was updated in every step.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What a step multiplies with, in the order of the rule's enumeration below.
using RuleFactors = std::array<real, 8>;

/// The first of neighbouring elements, and of those of the slots that belong to them.
struct RulePlaces {
  real* parameter;
  std::array<real*, 4> slots;
};

/// Steps without a gradient that a row has missed, equal ones once.
struct RuleMissed {
  std::span<const RuleFactors> factors;
  std::span<const std::int32_t> ends;  ///< the number of the last step with these factors
  std::int32_t done;                   ///< the number of the last step that the row has made
  /// Whether parameters shrink by themselves, so that a row whose slots have come to rest still
  /// moves.
  bool decays;
};

/// The loops of one rule.
struct RuleKernels {
  /// Updates n neighbouring elements. A null gradient stands for zeros. `left`: see ahead.hpp.
  void (*update)(const RuleFactors&, const real* gradient, const RulePlaces&, Index n, Index left);
  /// Updates one row by the sum of `gradients`, at least one, added up in their order.
  void (*update_row)(const RuleFactors&, std::span<const real* const> gradients, const RulePlaces&,
                     Index width);
  /// Makes the steps that `width` neighbours of a row have missed.
  void (*replay)(const RuleMissed&, const RulePlaces&, Index width);
};

/// g' = g + l2 p,  s = momentum s + share g',  p = keep p + by_slot s + by_gradient g'; without
/// momentum there is no s.
enum SgdFactor : std::size_t {
  sgd_momentum,
  sgd_share,
  sgd_by_slot,
  sgd_by_gradient,
  sgd_keep,
  sgd_l2,
};
RuleKernels sgd_kernels(bool momentum);

/// g' = g + l2 p,  v = rho v + (1 - rho) g'^2,  a = rho a + (1 - rho) g',
/// q = by_gradient g' / (sqrt(v - a^2 + inside) + outside),  m = momentum m + q,
/// p = keep p - by_slot m, where the rate is by_gradient if inside is above 0, and else by_slot;
/// the other is 1. Slots v, then a where centred, then m; without them a = 0 and m = q.
enum RmspropFactor : std::size_t {
  rms_one_minus_rho,
  rms_inside,
  rms_outside,
  rms_rate,
  rms_momentum,
  rms_keep,
  rms_l2,
};
RuleKernels rmsprop_kernels(bool centered, bool momentum);

/// g' = g + l2 p,  a = a + g'^2,  p = keep p - rate g' / (sqrt(a + inside) + outside).
enum AdagradFactor : std::size_t {
  adagrad_rate,
  adagrad_inside,
  adagrad_outside,
  adagrad_keep,
  adagrad_l2,
};
RuleKernels adagrad_kernels();

/// p = keep p - rate sign(beta_1 m + (1 - beta_1) g),  m = beta_2 m + (1 - beta_2) g.
enum LionFactor : std::size_t {
  lion_rate,
  lion_one_minus_beta_1,
  lion_one_minus_beta_2,
  lion_keep
};
RuleKernels lion_kernels();

/// Adam whose denominator never shrinks, with the factors of AdamFactor: g' = g + l2 p,
/// m += (g' - m) one_minus_beta_1,  v += (g'^2 - v) one_minus_beta_2,  h = max(h, v),
/// p = keep p - rate m / (root_scale sqrt(h) + epsilon). Slots m, v, h.
RuleKernels amsgrad_kernels();

/// average = share p + (1 - share) average, for n neighbours.
void add_to_average(real share, const real* p, real* average, Index n);

}}}  // namespace fovea::kernels
