#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update_rules.cpp"
#include <algorithm>

#include "kernels/targets.hpp"
//
#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"
#include "kernels/lanes-inl.hpp"
#include "kernels/update_rules.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// A vector of a parameter and those of its slots. A rule uses the first `slots` of a, b, c.
struct Cell {
  Lane p, a, b, c;
};

/// 1 - x, rounded once. Of what decays its factors hold 1 - beta, which is the more exact for it.
HWY_INLINE Lane rest_of_one(real x) { return lanes(1 - static_cast<double>(x)); }

HWY_INLINE bool all_zero(Lane x) { return hn::AllTrue(Tag(), hn::Eq(x, hn::Zero(Tag()))); }

/// The quotient of g and sqrt(v + inside) + outside.
HWY_INLINE Lane by_root(Lane g, Lane v, Lane inside, Lane outside) {
  return g / (hn::Sqrt(v + inside) + outside);
}

template <bool momentum>
struct Sgd {
  static constexpr int slots = momentum ? 1 : 0;
  Lane share_kept, share, by_slot, by_gradient, keep, l2;

  explicit HWY_INLINE Sgd(const RuleFactors& f)
      : share_kept(lanes(f[sgd_momentum])),
        share(lanes(f[sgd_share])),
        by_slot(lanes(f[sgd_by_slot])),
        by_gradient(lanes(f[sgd_by_gradient])),
        keep(lanes(f[sgd_keep])),
        l2(lanes(f[sgd_l2])) {}

  HWY_INLINE void step(Cell& x, Lane gradient) const {
    const Lane g = hn::MulAdd(l2, x.p, gradient);
    Lane p = keep * x.p;
    if constexpr (momentum) {
      x.a = hn::MulAdd(share, g, share_kept * x.a);
      p = hn::MulAdd(by_slot, x.a, p);
    }
    x.p = hn::MulAdd(by_gradient, g, p);
  }

  static HWY_INLINE bool rests(const Cell& x) { return !momentum || all_zero(x.a); }
};

template <bool centered, bool momentum>
struct Rmsprop {
  static constexpr int slots = 1 + (centered ? 1 : 0) + (momentum ? 1 : 0);
  Lane rho, one_minus_rho, inside, outside, by_gradient, kept, by_slot, keep, l2;

  explicit HWY_INLINE Rmsprop(const RuleFactors& f)
      : rho(rest_of_one(f[rms_one_minus_rho])),
        one_minus_rho(lanes(f[rms_one_minus_rho])),
        inside(lanes(f[rms_inside])),
        outside(lanes(f[rms_outside])),
        by_gradient(lanes(f[rms_inside] > 0 ? f[rms_rate] : 1)),
        kept(lanes(f[rms_momentum])),
        by_slot(lanes(f[rms_inside] > 0 ? 1 : f[rms_rate])),
        keep(lanes(f[rms_keep])),
        l2(lanes(f[rms_l2])) {}

  // The share of g is formed before its square, which can be too large by itself. Rounding must not
  // make the variance about the mean negative.
  HWY_INLINE void step(Cell& x, Lane gradient) const {
    const Lane g = hn::MulAdd(l2, x.p, gradient);
    x.a = hn::MulAdd(one_minus_rho * g, g, rho * x.a);
    Lane variance = x.a;
    if constexpr (centered) {
      x.b = hn::MulAdd(one_minus_rho, g, rho * x.b);
      variance = larger(hn::Zero(Tag()), hn::NegMulAdd(x.b, x.b, x.a));
    }
    Lane change = by_gradient * by_root(g, variance, inside, outside);
    if constexpr (momentum) {
      Lane& slot = centered ? x.c : x.b;
      slot = hn::MulAdd(kept, slot, change);
      change = slot;
    }
    x.p = hn::NegMulAdd(by_slot, change, keep * x.p);
  }

  static HWY_INLINE bool rests(const Cell& x) {
    return all_zero(x.a) && (slots < 2 || all_zero(x.b)) && (slots < 3 || all_zero(x.c));
  }
};

struct Adagrad {
  static constexpr int slots = 1;
  Lane rate, inside, outside, keep, l2;

  explicit HWY_INLINE Adagrad(const RuleFactors& f)
      : rate(lanes(f[adagrad_rate])),
        inside(lanes(f[adagrad_inside])),
        outside(lanes(f[adagrad_outside])),
        keep(lanes(f[adagrad_keep])),
        l2(lanes(f[adagrad_l2])) {}

  HWY_INLINE void step(Cell& x, Lane gradient) const {
    const Lane g = hn::MulAdd(l2, x.p, gradient);
    x.a = hn::MulAdd(g, g, x.a);
    x.p = hn::NegMulAdd(rate, by_root(g, x.a, inside, outside), keep * x.p);
  }

  // What was added up stays; a NaN in the parameter alone would reach the sum.
  static HWY_INLINE bool rests(const Cell& x) { return hn::AllTrue(Tag(), hn::IsFinite(x.p)); }
};

struct Lion {
  static constexpr int slots = 1;
  Lane rate, beta_1, one_minus_beta_1, beta_2, one_minus_beta_2, keep;

  explicit HWY_INLINE Lion(const RuleFactors& f)
      : rate(lanes(f[lion_rate])),
        beta_1(rest_of_one(f[lion_one_minus_beta_1])),
        one_minus_beta_1(lanes(f[lion_one_minus_beta_1])),
        beta_2(rest_of_one(f[lion_one_minus_beta_2])),
        one_minus_beta_2(lanes(f[lion_one_minus_beta_2])),
        keep(lanes(f[lion_keep])) {}

  HWY_INLINE void step(Cell& x, Lane g) const {
    const Lane mixed = hn::MulAdd(one_minus_beta_1, g, beta_1 * x.a);
    const auto has_sign = hn::Gt(hn::Abs(mixed), hn::Zero(Tag()));
    const Lane sign = hn::IfThenElse(has_sign, hn::CopySign(lanes(1), mixed), mixed);  // 0, or NaN
    x.a = hn::MulAdd(one_minus_beta_2, g, beta_2 * x.a);
    x.p = hn::NegMulAdd(rate, sign, keep * x.p);
  }

  static HWY_INLINE bool rests(const Cell& x) { return all_zero(x.a); }
};

struct Amsgrad {
  static constexpr int slots = 3;
  Lane beta_1, one_minus_beta_1, beta_2, one_minus_beta_2, rate, root_scale, epsilon, keep, l2;

  explicit HWY_INLINE Amsgrad(const RuleFactors& f)
      : beta_1(rest_of_one(f[AdamFactor::one_minus_beta_1])),
        one_minus_beta_1(lanes(f[AdamFactor::one_minus_beta_1])),
        beta_2(rest_of_one(f[AdamFactor::one_minus_beta_2])),
        one_minus_beta_2(lanes(f[AdamFactor::one_minus_beta_2])),
        rate(lanes(f[AdamFactor::rate])),
        root_scale(lanes(f[AdamFactor::root_scale])),
        epsilon(lanes(f[AdamFactor::epsilon])),
        keep(lanes(f[AdamFactor::keep])),
        l2(lanes(f[AdamFactor::l2])) {}

  HWY_INLINE void step(Cell& x, Lane gradient) const {
    const Lane g = hn::MulAdd(l2, x.p, gradient);
    x.a = hn::MulAdd(one_minus_beta_1, g, beta_1 * x.a);
    x.b = hn::MulAdd(one_minus_beta_2 * g, g, beta_2 * x.b);
    x.c = larger(x.c, x.b);
    x.p = hn::NegMulAdd(rate, x.a / hn::MulAdd(root_scale, hn::Sqrt(x.c), epsilon), keep * x.p);
  }

  static HWY_INLINE bool rests(const Cell& x) { return all_zero(x.a) && all_zero(x.b); }
};

template <class Rule>
HWY_INLINE Cell load_cell(const RulePlaces& at, Index i, Index k) {
  const Lane zero = hn::Zero(Tag());
  Cell x{load(at.parameter + i, k), zero, zero, zero};
  if constexpr (Rule::slots > 0) x.a = load(at.slots[0] + i, k);
  if constexpr (Rule::slots > 1) x.b = load(at.slots[1] + i, k);
  if constexpr (Rule::slots > 2) x.c = load(at.slots[2] + i, k);
  return x;
}

template <class Rule>
HWY_INLINE void store_cell(const Cell& x, const RulePlaces& at, Index i, Index k) {
  store(x.p, at.parameter + i, k);
  if constexpr (Rule::slots > 0) store(x.a, at.slots[0] + i, k);
  if constexpr (Rule::slots > 1) store(x.b, at.slots[1] + i, k);
  if constexpr (Rule::slots > 2) store(x.c, at.slots[2] + i, k);
}

template <class Rule>
HWY_INLINE void ask_ahead_of(const RulePlaces& at, Index i, Index left) {
  ask_ahead(left, at.parameter + i);
  for (int slot = 0; slot < Rule::slots; ++slot)
    ask_ahead(left, at.slots[static_cast<std::size_t>(slot)] + i);
}

/// One step; gradient(i, k) gives the k elements from element i on.
template <class Rule, class Gradient>
HWY_INLINE void update_each(const RuleFactors& factors, const Gradient& gradient,
                            const RulePlaces& at, Index n) {
  const Rule rule(factors);
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < n; i += width) {
    const Index k = std::min(width, n - i);
    Cell x = load_cell<Rule>(at, i, k);
    rule.step(x, gradient(i, k));
    store_cell<Rule>(x, at, i, k);
  }
}

template <class Rule>
void update(const RuleFactors& factors, const real* gradient, const RulePlaces& at, Index n,
            Index left) {
  if (!gradient)
    return update_each<Rule>(
        factors,
        [&](Index i, Index) HWY_ATTR {
          ask_ahead_of<Rule>(at, i, left - i);
          return hn::Zero(Tag());
        },
        at, n);
  update_each<Rule>(
      factors,
      [&](Index i, Index k) HWY_ATTR {
        ask_ahead_of<Rule>(at, i, left - i);
        ask_ahead(left - i, gradient + i);
        return load(gradient + i, k);
      },
      at, n);
}

template <class Rule>
void update_row(const RuleFactors& factors, std::span<const real* const> parts,
                const RulePlaces& at, Index width) {
  update_each<Rule>(
      factors,
      [&](Index i, Index k) HWY_ATTR {
        Lane sum = load(parts[0] + i, k);
        for (const real* part : parts.subspan(1)) sum = sum + load(part + i, k);
        return sum;
      },
      at, width);
}

/// The missed steps of two vectors, in registers. Once slots are at rest and nothing decays, no
/// later step changes anything; one step is made in any case, which turns subnormal parameters to
/// 0.
template <class Rule>
HWY_INLINE void replay_cells(const RuleMissed& missed, Cell& x, Cell& y) {
  constexpr int between_checks = 8;
  int until_check = 1;
  std::int32_t done = missed.done;
  for (std::size_t run = 0; run < missed.ends.size(); ++run) {
    const Rule rule(missed.factors[run]);
    for (; done < missed.ends[run]; ++done) {
      rule.step(x, hn::Zero(Tag()));
      rule.step(y, hn::Zero(Tag()));
      if (missed.decays || --until_check > 0) continue;
      if (Rule::rests(x) && Rule::rests(y)) return;
      until_check = between_checks;
    }
  }
}

template <class Rule>
void replay(const RuleMissed& missed, const RulePlaces& at, Index width) {
  const Index lane_count = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < width; i += 2 * lane_count) {
    const Index first = std::min(lane_count, width - i),
                second = std::min(lane_count, width - i - first);
    Cell x = load_cell<Rule>(at, i, first),
         y = second > 0 ? load_cell<Rule>(at, i + first, second) : x;
    replay_cells<Rule>(missed, x, y);
    store_cell<Rule>(x, at, i, first);
    if (second > 0) store_cell<Rule>(y, at, i + first, second);
  }
}

template <class Rule>
RuleKernels kernels_of() {
  return {update<Rule>, update_row<Rule>, replay<Rule>};
}

RuleKernels sgd_kernels(bool momentum) {
  return momentum ? kernels_of<Sgd<true>>() : kernels_of<Sgd<false>>();
}

RuleKernels rmsprop_kernels(bool centered, bool momentum) {
  if (centered)
    return momentum ? kernels_of<Rmsprop<true, true>>() : kernels_of<Rmsprop<true, false>>();
  return momentum ? kernels_of<Rmsprop<false, true>>() : kernels_of<Rmsprop<false, false>>();
}

RuleKernels adagrad_kernels() { return kernels_of<Adagrad>(); }
RuleKernels lion_kernels() { return kernels_of<Lion>(); }
RuleKernels amsgrad_kernels() { return kernels_of<Amsgrad>(); }

void add_to_average(real share, const real* p, real* average, Index n) {
  const Lane new_share = lanes(share), kept = rest_of_one(share);
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < n; i += width) {
    const Index k = std::min(width, n - i);
    store(hn::MulAdd(new_share, load(p + i, k), kept * load(average + i, k)), average + i, k);
  }
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

RuleKernels sgd_kernels(bool momentum) { return FOVEA_BEST(sgd_kernels)(momentum); }
RuleKernels rmsprop_kernels(bool centered, bool momentum) {
  return FOVEA_BEST(rmsprop_kernels)(centered, momentum);
}
RuleKernels adagrad_kernels() { return FOVEA_BEST(adagrad_kernels)(); }
RuleKernels lion_kernels() { return FOVEA_BEST(lion_kernels)(); }
RuleKernels amsgrad_kernels() { return FOVEA_BEST(amsgrad_kernels)(); }
void add_to_average(real share, const real* p, real* average, Index n) {
  FOVEA_BEST(add_to_average)(share, p, average, n);
}

}}}  // namespace fovea::kernels
#endif
