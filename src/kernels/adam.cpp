#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <algorithm>
#include <utility>

#include "kernels/targets.hpp"
//
#include "kernels/adam.hpp"
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

HWY_INLINE Lane all(real value) { return hn::Set(Tag(), value); }

/// A step's factors, one in each lane.
struct Factors {
  Lane one_minus_beta_1, one_minus_beta_2, rate, root_scale, epsilon, l2, keep;

  explicit HWY_INLINE Factors(const AdamStep& s)
      : one_minus_beta_1(all(s.one_minus_beta_1)),
        one_minus_beta_2(all(s.one_minus_beta_2)),
        rate(all(s.rate)),
        root_scale(all(s.root_scale)),
        epsilon(all(s.epsilon)),
        l2(all(s.l2)),
        keep(all(s.keep)) {}
};

/// rate m / (root_scale sqrt(v) + epsilon). In float, root and reciprocal are estimates of 12 to 14 bits and one step of Newton each,
/// within 4 units in the last place together: the true instructions take three times as long.
template <class V>
HWY_INLINE V change(const Factors& f, V mean, V variance) {
  if constexpr (single) {
    const V v = hn::Max(variance, all(std::numeric_limits<real>::min()));
    const V estimate = hn::ApproximateReciprocalSqrt(v);
    const V root = v * estimate;
    const V refined = hn::MulAdd(hn::NegMulAdd(root, root, v), estimate * lanes(0.5), root);
    const V denominator = hn::MulAdd(f.root_scale, refined, f.epsilon);
    const V inverse = hn::ApproximateReciprocal(denominator);
    return f.rate * mean * (inverse * hn::NegMulAdd(denominator, inverse, lanes(2)));
  } else {
    return f.rate * mean / hn::MulAdd(f.root_scale, hn::Sqrt(variance), f.epsilon);
  }
}

HWY_INLINE void update_moments(const Factors& f, Lane g, Lane& mean, Lane& variance) {
  mean = hn::MulAdd(g - mean, f.one_minus_beta_1, mean);
  variance = hn::MulAdd(hn::MulSub(g, g, variance), f.one_minus_beta_2, variance);
}

HWY_INLINE void update(const Factors& f, Lane gradient, Lane& parameter, Lane& mean, Lane& variance) {
  update_moments(f, hn::MulAdd(f.l2, parameter, gradient), mean, variance);
  parameter = hn::MulSub(f.keep, parameter, change(f, mean, variance));
}

// The moments after a step whose gradient is 0, to the same bits: 0 - m is -m, and 0 0 - v is -v.
HWY_INLINE void fade_moments(const Factors& f, Lane& mean, Lane& variance) {
  mean = hn::NegMulAdd(mean, f.one_minus_beta_1, mean);
  variance = hn::NegMulAdd(variance, f.one_minus_beta_2, variance);
}

void adam_piece(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance, Index n) {
  const Factors f(step);
  for_lanes(
      n,
      [&](Index i) HWY_ATTR {
        Lane p = hn::LoadU(Tag(), parameter + i), m = hn::LoadU(Tag(), mean + i), v = hn::LoadU(Tag(), variance + i);
        update(f, gradient ? hn::LoadU(Tag(), gradient + i) : hn::Zero(Tag()), p, m, v);
        hn::StoreU(p, Tag(), parameter + i);
        hn::StoreU(m, Tag(), mean + i);
        hn::StoreU(v, Tag(), variance + i);
      },
      [&](Index i, Index k) HWY_ATTR {
        Lane p = load_some(parameter + i, k), m = load_some(mean + i, k), v = load_some(variance + i, k);
        update(f, gradient ? load_some(gradient + i, k) : hn::Zero(Tag()), p, m, v);
        store_some(p, parameter + i, k);
        store_some(m, mean + i, k);
        store_some(v, variance + i, k);
      });
}

// The sum of the parts at i, in their order.
HWY_INLINE Lane sum_at(std::span<const real* const> parts, Index i, Index n) {
  Lane sum = load(parts[0] + i, n);
  for (const real* part : parts.subspan(1)) sum = sum + load(part + i, n);
  return sum;
}

void adam_row(const AdamStep& step, std::span<const real* const> gradients, real* parameter, real* mean, real* variance, Index width) {
  const Factors f(step);
  const Index lane_count = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < width; i += lane_count) {
    const Index n = std::min(lane_count, width - i);
    Lane p = load(parameter + i, n), m = load(mean + i, n), v = load(variance + i, n);
    update(f, sum_at(gradients, i, n), p, m, v);
    store(p, parameter + i, n);
    store(m, mean + i, n);
    store(v, variance + i, n);
  }
}

/// Four vectors of a row, held in registers through many steps.
struct Block {
  static constexpr int size = 4;
  Lane p[size], m[size], v[size];

  /// Whether no later step can move a parameter. With g = 0, m shrinks by beta_1 and sqrt(v) by sqrt(beta_2) in each step, and
  /// beta_1 <= sqrt(beta_2), so the change is at most largest_rate |m| / (smallest_root sqrt(v) + epsilon) from now on; a change
  /// below a quarter of p's last place leaves p as it is. The factor 1.01 stands for rounding.
  HWY_INLINE bool stands_still(Factors f, Lane largest_rate, Lane smallest_root) const {
    f.rate = largest_rate;
    f.root_scale = smallest_root;
    const Lane small = lanes(single ? 0x1p-26 : 0x1p-55);
    auto moves = hn::MaskFromVec(hn::Zero(Tag()));
    for (int k = 0; k < size; ++k) moves = hn::Or(moves, hn::Gt(hn::Abs(change(f, m[k], v[k])) * lanes(1.01), hn::Abs(p[k]) * small));
    return hn::AllFalse(Tag(), moves);
  }

  // Whether l2 p + 0 is 0 for all parameters.
  HWY_INLINE bool has_no_gradient(const AdamStep& step) const {
    auto finite = hn::IsFinite(p[0]);
    for (int k = 1; k < size; ++k) finite = hn::And(finite, hn::IsFinite(p[k]));
    return step.l2 == 0 && hn::AllTrue(Tag(), finite);
  }

  HWY_INLINE bool untouched() const {
    auto zero = hn::Eq(m[0], hn::Zero(Tag()));
    for (int k = 0; k < size; ++k) zero = hn::And(zero, hn::And(hn::Eq(m[k], hn::Zero(Tag())), hn::Eq(v[k], hn::Zero(Tag()))));
    return hn::AllTrue(Tag(), zero);
  }
};

/// Steps that move everything, until the parameters stand still; returns how many steps of `count` are left.
HWY_INLINE Index replay_all(const AdamStep& step, bool no_gradient, bool settles, Lane largest_rate, Lane smallest_root, Block& b, Index count, bool& still) {
  const Factors f(step);
  constexpr Index between_checks = 8;
  while (count > 0) {
    const Index now = std::min(count, between_checks);
    for (Index i = 0; no_gradient && i < now; ++i)
      for (int k = 0; k < Block::size; ++k) {
        fade_moments(f, b.m[k], b.v[k]);
        b.p[k] = hn::MulSub(f.keep, b.p[k], change(f, b.m[k], b.v[k]));
      }
    for (Index i = 0; !no_gradient && i < now; ++i)
      for (int k = 0; k < Block::size; ++k) update(f, hn::Zero(Tag()), b.p[k], b.m[k], b.v[k]);
    count -= now;
    if (settles && now == between_checks && b.stands_still(f, largest_rate, smallest_root)) {
      still = true;
      break;
    }
  }
  return count;
}

/// Steps that move the moments alone: the parameters stand still.
HWY_INLINE void replay_moments(const AdamStep& step, Block& b, Index count) {
  const Factors f(step);
  for (Index i = 0; i < count; ++i)
    for (int k = 0; k < Block::size; ++k) fade_moments(f, b.m[k], b.v[k]);
}

// The block is a copy, so that it can stay in registers.
Block replay_block(std::span<const AdamRun> runs, Index skip, bool settles, real largest_rate, real smallest_root, Block b) {
  if (settles && b.untouched()) {  // one step does what all do: a subnormal parameter becomes 0, any other stays
    const Factors f(runs.front().step);
    for (int k = 0; k < Block::size; ++k) update(f, hn::Zero(Tag()), b.p[k], b.m[k], b.v[k]);
    return b;
  }
  const bool no_gradient = b.has_no_gradient(runs.front().step);  // l2 is one for all steps
  bool still = false;
  Index since_check = 0;
  for (const AdamRun& run : runs) {
    Index left = run.count - std::exchange(skip, 0);
    if (!still) left = replay_all(run.step, no_gradient, settles, all(largest_rate), all(smallest_root), b, left, still);
    if (still) replay_moments(run.step, b, left);
    // Runs of one step each, as a changing rate makes them, never reach the check inside.
    since_check += run.count;
    if (settles && !still && since_check >= 8) {
      still = b.stands_still(Factors(run.step), all(largest_rate), all(smallest_root));
      since_check = 0;
    }
  }
  return b;
}

void replay_row(std::span<const AdamRun> runs, Index skip, bool settles, real largest_rate, real smallest_root, real* parameter, real* mean, real* variance, Index width) {
  const Index lane_count = static_cast<Index>(hn::Lanes(Tag()));
  for (Index begin = 0; begin < width; begin += Block::size * lane_count) {
    Block b;
    for (int k = 0; k < Block::size; ++k) {
      const Index at = begin + k * lane_count, n = std::clamp<Index>(width - at, 0, lane_count);
      b.p[k] = load(parameter + at, n);
      b.m[k] = load(mean + at, n);
      b.v[k] = load(variance + at, n);
    }
    b = replay_block(runs, skip, settles, largest_rate, smallest_root, b);
    for (int k = 0; k < Block::size; ++k) {
      const Index at = begin + k * lane_count, n = std::clamp<Index>(width - at, 0, lane_count);
      store(b.p[k], parameter + at, n);
      store(b.m[k], mean + at, n);
      store(b.v[k], variance + at, n);
    }
  }
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

void adam(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance, Index n) {
  const auto piece = FOVEA_BEST(adam_piece);
  parallel::for_range(n, parallel::worth_a_task / 4, [&](Index begin, Index end) {
    piece(step, gradient ? gradient + begin : nullptr, parameter + begin, mean + begin, variance + begin, end - begin);
  });
}

void adam_row(const AdamStep& step, std::span<const real* const> gradients, real* parameter, real* mean, real* variance, Index width) {
  FOVEA_BEST(adam_row)(step, gradients, parameter, mean, variance, width);
}

void adam_replay(std::span<const AdamRun> runs, Index skip, bool settles, real largest_rate, real smallest_root, real* parameter, real* mean, real* variance, Index width) {
  FOVEA_BEST(replay_row)(runs, skip, settles, largest_rate, smallest_root, parameter, mean, variance, width);
}

}  // namespace fovea::kernels
#endif
