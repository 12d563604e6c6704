// Folds over a row with four accumulators, for vector code of one instruction set.
#if defined(FOVEA_KERNELS_FOLD_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_FOLD_INL_HPP
#undef FOVEA_KERNELS_FOLD_INL_HPP
#else
#define FOVEA_KERNELS_FOLD_INL_HPP
#endif

#include "fovea/base/real.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Four accumulators side by side: in one, each operation would wait for the one before.
template <class T>
struct Four {
  T a, b, c, d;

  explicit HWY_INLINE Four(T start) : a(start), b(start), c(start), d(start) {}

  /// The fold of all four.
  template <class Join>
  HWY_INLINE T joined(const Join& join) const {
    return join(join(a, b), join(c, d));
  }
};

/// Folds value(i), for i from `begin` in steps of `step`, into the four in turn, as long as there
/// are four more before `end`. Returns where it stopped: what is left is for the caller, who knows
/// which accumulator it goes to, and so which bits the result has.
template <class T, class Value, class Join>
HWY_INLINE Index fold_by_fours(Index begin, Index end, Index step, Four<T>& four,
                               const Value& value, const Join& join) {
  Index i = begin;
  for (; i + 4 * step <= end; i += 4 * step) {
    four.a = join(four.a, value(i));
    four.b = join(four.b, value(i + step));
    four.c = join(four.c, value(i + 2 * step));
    four.d = join(four.d, value(i + 3 * step));
  }
  return i;
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
