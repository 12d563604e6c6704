#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <algorithm>

#include "kernels/targets.hpp"
//
#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

HWY_INLINE Lane all(real value) { return hn::Set(Tag(), value); }

/// A step's factors, one in each lane.
struct Factors {
  Lane one_minus_beta_1, one_minus_beta_2, rate, root_scale, epsilon, l2, keep;

  explicit HWY_INLINE Factors(const AdamFactors& f)
      : one_minus_beta_1(all(f[AdamFactor::one_minus_beta_1])),
        one_minus_beta_2(all(f[AdamFactor::one_minus_beta_2])),
        rate(all(f[AdamFactor::rate])),
        root_scale(all(f[AdamFactor::root_scale])),
        epsilon(all(f[AdamFactor::epsilon])),
        l2(all(f[AdamFactor::l2])),
        keep(all(f[AdamFactor::keep])) {}
};

/// Whether a variance may be infinite.
enum class Variance { any, finite };

/// from - rate m / (root_scale sqrt(v) + epsilon). Estimates are made good by a term of the series
/// of their error each: sqrt(v) = root (1 + e / 2 + ...), where root is v times the estimate of 1 /
/// sqrt(v), and the quotient as by a step of Newton; within 5 units in the last place. v counts as
/// the smallest normal number at least, so that its root never falls to 0 and a change only shrinks
/// while v fades. Where v is infinite so is the quotient's denominator, and nothing moves; of
/// estimates it would be a NaN.
template <Variance range, class V>
HWY_INLINE V moved(const Factors& f, V from, V mean, V variance) {
  const V v = larger(all(std::numeric_limits<real>::min()), variance);
  if constexpr (has_estimates) {
    const V estimate = hn::ApproximateReciprocalSqrt(v);
    const V root = v * estimate, e = hn::NegMulAdd(root, estimate, lanes(1));
    const V denominator =
        hn::MulAdd(root, hn::MulAdd(f.root_scale * lanes(0.5), e, f.root_scale), f.epsilon);
    V inverse = hn::ApproximateReciprocal(denominator),
      correction = hn::NegMulAdd(denominator, inverse, lanes(2));
    if constexpr (range == Variance::any) {
      const auto infinite = hn::Eq(variance, lanes(infinity));
      inverse = hn::IfThenZeroElse(infinite, inverse);
      correction = hn::IfThenZeroElse(infinite, correction);
    }
    return hn::NegMulAdd(f.rate * mean * inverse, correction, from);
  } else {
    return from - f.rate * (mean / hn::MulAdd(f.root_scale, hn::Sqrt(v), f.epsilon));
  }
}

/// What a vector of numbers is between steps.
struct State {
  Lane p, m, v;

  // The moments after a step whose gradient is 0, to the same bits where v is finite: 0 - m is -m,
  // and 0 0 - v is -v. An infinite v becomes NaN.
  HWY_INLINE void fade(const Factors& f) {
    m = hn::NegMulAdd(m, f.one_minus_beta_1, m);
    v = hn::NegMulAdd(v, f.one_minus_beta_2, v);
  }

  /// One step, which is right where the v that it gives is finite, and p where nothing decays.
  template <bool decays>
  HWY_INLINE State after(const Factors& f, Lane gradient) const {
    const Lane g = decays ? hn::MulAdd(f.l2, p, gradient) : gradient;
    const Lane mean = hn::MulAdd(g - m, f.one_minus_beta_1, m),
               variance = hn::MulAdd(hn::MulSub(g, g, v), f.one_minus_beta_2, v);
    return {moved<Variance::finite>(f, decays ? f.keep * p : p, mean, variance), mean, variance};
  }
};

HWY_INLINE bool all_finite(Lane x) { return hn::AllTrue(Tag(), hn::Lt(x, lanes(infinity))); }

/// One step of any numbers, to the same bits where `after` is right. Where g^2 is too large its
/// share is formed before the square; a variance that is infinite stays so, since what it loses is
/// that of the largest number.
HWY_INLINE void update(const Factors& f, Lane gradient, State& s) {
  const Lane g = hn::MulAdd(f.l2, s.p, gradient),
             usual = hn::MulAdd(hn::MulSub(g, g, s.v), f.one_minus_beta_2, s.v);
  const Lane rest =
      hn::NegMulAdd(smaller(all(std::numeric_limits<real>::max()), s.v), f.one_minus_beta_2, s.v);
  s.v = hn::IfThenElse(hn::Lt(usual, lanes(infinity)), usual,
                       hn::MulAdd(f.one_minus_beta_2 * g, g, rest));
  s.m = hn::MulAdd(g - s.m, f.one_minus_beta_1, s.m);
  s.p = moved<Variance::any>(f, f.keep * s.p, s.m, s.v);
}

struct Places : AdamPlaces {
  HWY_INLINE State load_at(Index i, Index k) const {
    return {load(parameter + i, k), load(mean + i, k), load(variance + i, k)};
  }
  HWY_INLINE void store_at(const State& s, Index i, Index k) const {
    store(s.p, parameter + i, k);
    store(s.m, mean + i, k);
    store(s.v, variance + i, k);
  }
};

/// Any numbers from `begin` to `end`. A function of its own: what it needs would slow those down
/// that call it.
template <class Gradient>
HWY_NOINLINE void update_any(const AdamFactors& step, Gradient gradient, Places to, Index begin,
                             Index end) {
  const Factors f(step);
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = begin; i < end; i += width) {
    const Index k = std::min(width, end - i);
    State s = to.load_at(i, k);
    update(f, gradient.at(i, k), s);
    to.store_at(s, i, k);
  }
}

/// A step over n numbers; gradient.at(i, k) gives the k from number i on. Four vectors share the
/// question whether a variance, or a parameter, is infinite; their sum may be so by itself, which
/// costs time and changes no bit. Not where memory is waited for, which likes to be asked evenly.
template <bool decays, class Gradient>
HWY_INLINE void update_each(const AdamFactors& step, const Gradient& gradient, const Places& to,
                            Index n) {
  const Factors f(step);
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Index i = 0;
  for (; gradient.in_cache() && i + 4 * width <= n; i += 4 * width) {
    const State a = to.load_at(i, width).after<decays>(f, gradient.at(i, width)),
                b = to.load_at(i + width, width).after<decays>(f, gradient.at(i + width, width));
    const State
        c = to.load_at(i + 2 * width, width).after<decays>(f, gradient.at(i + 2 * width, width)),
        d = to.load_at(i + 3 * width, width).after<decays>(f, gradient.at(i + 3 * width, width));
    const Lane variances = (a.v + b.v) + (c.v + d.v);
    if (HWY_UNLIKELY(!all_finite(
            decays ? variances
                   : hn::MulAdd((a.p + b.p) + (c.p + d.p), hn::Zero(Tag()), variances)))) {
      update_any(step, gradient, to, i, i + 4 * width);
      continue;
    }
    to.store_at(a, i, width);
    to.store_at(b, i + width, width);
    to.store_at(c, i + 2 * width, width);
    to.store_at(d, i + 3 * width, width);
  }
  for (; i < n; i += width) {
    const Index k = std::min(width, n - i);
    const State a = to.load_at(i, k).after<decays>(f, gradient.at(i, k));
    if (HWY_UNLIKELY(!all_finite(decays ? a.v : hn::MulAdd(a.p, hn::Zero(Tag()), a.v))))
      update_any(step, gradient, to, i, i + k);
    else
      to.store_at(a, i, k);
  }
}

template <class Gradient>
HWY_INLINE void update_numbers(const AdamFactors& step, const Gradient& gradient, const Places& to,
                               Index n) {
  if (step[AdamFactor::l2] == 0 && step[AdamFactor::keep] == 1)
    update_each<false>(step, gradient, to, n);
  else
    update_each<true>(step, gradient, to, n);
}

/// A gradient in memory, or of zeros; `left`: see ask_ahead.
struct Dense {
  const real* gradient;
  Places state;
  Index left;

  HWY_INLINE bool in_cache() const { return left == 0; }
  HWY_INLINE Lane at(Index i, Index k) const {
    ask_ahead(left - i, state.parameter + i, state.mean + i, state.variance + i);
    if (!gradient) return hn::Zero(Tag());
    ask_ahead(left - i, gradient + i);
    return load(gradient + i, k);
  }
};

void adam(const AdamFactors& step, const real* gradient, const AdamPlaces& at, Index n,
          Index left) {
  update_numbers(step, Dense{gradient, {at}, left}, {at}, n);
}

/// The sum of a row's parts, in their order.
struct Parts {
  std::span<const real* const> parts;

  HWY_INLINE bool in_cache() const { return true; }
  HWY_INLINE Lane at(Index i, Index k) const {
    Lane sum = load(parts[0] + i, k);
    for (const real* part : parts.subspan(1)) sum = sum + load(part + i, k);
    return sum;
  }
};

void adam_row(const AdamFactors& step, std::span<const real* const> gradients, const AdamPlaces& at,
              Index width) {
  update_numbers(step, Parts{gradients}, {at}, width);
}

/// Four vectors of a row, in registers through many steps: members, for arrays would be kept in
/// memory.
struct Block {
  static constexpr int size = 4;
  State a, b, c, d;

  template <class Call>
  HWY_INLINE void each(const Call& call) {
    call(a);
    call(b);
    call(c);
    call(d);
  }

  /// Whether no later step can move a parameter. With g = 0, m shrinks by beta_1 and sqrt(v) by
  /// sqrt(beta_2) in each step, and beta_1 <= sqrt(beta_2), so the change is at most largest_rate
  /// |m| / (smallest_root sqrt(v) + epsilon) from now on; a change below a quarter of p's last
  /// place leaves p as it is. The factor 1.01 stands for rounding.
  HWY_INLINE bool stands_still(Factors f, real largest_rate, real smallest_root) {
    f.rate = all(largest_rate);
    f.root_scale = all(smallest_root);
    const Lane small = lanes(single ? 0x1p-26 : 0x1p-55);
    auto moves = hn::MaskFromVec(hn::Zero(Tag()));
    each([&](State& s) HWY_ATTR {
      moves = hn::Or(moves, hn::Gt(hn::Abs(moved<Variance::finite>(f, hn::Zero(Tag()), s.m, s.v)) *
                                       lanes(1.01),
                                   hn::Abs(s.p) * small));
    });
    return hn::AllFalse(Tag(), moves);
  }

  HWY_INLINE bool is_finite() {
    auto finite = hn::IsFinite(a.p);
    each([&](State& s) HWY_ATTR { finite = hn::And(finite, hn::IsFinite(s.p)); });
    return hn::AllTrue(Tag(), finite);
  }

  HWY_INLINE bool is_untouched() {
    auto zero = hn::Eq(a.m, hn::Zero(Tag()));
    each([&](State& s) HWY_ATTR {
      zero = hn::And(zero, hn::And(hn::Eq(s.m, hn::Zero(Tag())), hn::Eq(s.v, hn::Zero(Tag()))));
    });
    return hn::AllTrue(Tag(), zero);
  }
};

/// All steps, whatever they are.
HWY_INLINE void replay_any(const AdamMissed& missed, Block& b) {
  std::int32_t done = missed.done;
  for (std::size_t run = 0; run < missed.ends.size(); ++run) {
    const Factors f(missed.factors[run]);
    for (; done < missed.ends[run]; ++done)
      b.each([&](State& s) HWY_ATTR { update(f, hn::Zero(Tag()), s); });
  }
}

/// Steps without decay, on parameters and variances that are finite, or parameters end as NaN: they
/// move everything until the parameters stand still, then the moments alone.
HWY_INLINE void replay_settling(const AdamMissed& missed, Block& b) {
  constexpr int between_checks = 8;
  int until_check = between_checks;
  bool still = false;
  std::int32_t done = missed.done;
  for (std::size_t run = 0; run < missed.ends.size(); ++run) {
    const Factors f(missed.factors[run]);
    const std::int32_t end = missed.ends[run];
    for (; done < end && !still; ++done) {
      b.each([&](State& s) HWY_ATTR {
        s.fade(f);
        s.p = moved<Variance::finite>(f, s.p, s.m, s.v);
      });
      if (--until_check > 0) continue;
      until_check = between_checks;
      still = b.stands_still(f, missed.largest_rate, missed.smallest_root);
    }
    for (; done < end; ++done) b.each([&](State& s) HWY_ATTR { s.fade(f); });
  }
}

/// The block that `loaded` gives, after all steps.
template <class Load>
HWY_INLINE Block replayed(const AdamMissed& missed, const Load& loaded) {
  Block b = loaded();
  if (!missed.settles) {
    replay_any(missed, b);
  } else if (b.is_untouched()) {
    // One step does what all do: a subnormal parameter becomes 0, any other stays.
    const std::int32_t one = missed.done + 1;
    AdamMissed first = missed;
    first.ends = {&one, 1};
    replay_any(first, b);
  } else {
    replay_settling(missed, b);
    if (!b.is_finite()) {  // l2 p is no gradient of 0 then, or a variance was infinite
      b = loaded();
      replay_any(missed, b);
    }
  }
  return b;
}

void adam_replay(const AdamMissed& missed, const AdamPlaces& at, Index width) {
  const Places to{at};
  const Index lane_count = static_cast<Index>(hn::Lanes(Tag()));
  for (Index begin = 0; begin < width; begin += Block::size * lane_count) {
    const auto numbers_at = [&](Index i) { return std::clamp<Index>(width - i, 0, lane_count); };
    const auto loaded = [&](int k) HWY_ATTR {
      const Index i = begin + k * lane_count;
      return to.load_at(i, numbers_at(i));
    };
    Block b = replayed(missed, [&]() HWY_ATTR {
      return Block{loaded(0), loaded(1), loaded(2), loaded(3)};
    });
    Index i = begin;
    b.each([&](const State& s) HWY_ATTR {
      to.store_at(s, i, numbers_at(i));
      i += lane_count;
    });
  }
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void adam(const AdamFactors& step, const real* gradient, const AdamPlaces& at, Index n,
          Index left) {
  FOVEA_BEST(adam)(step, gradient, at, n, left);
}

void adam_row(const AdamFactors& step, std::span<const real* const> gradients, const AdamPlaces& at,
              Index width) {
  FOVEA_BEST(adam_row)(step, gradients, at, width);
}

void adam_replay(const AdamMissed& missed, const AdamPlaces& at, Index width) {
  FOVEA_BEST(adam_replay)(missed, at, width);
}

}}}  // namespace fovea::kernels
#endif
