// Highway's door. A file with vector code defines HWY_TARGET_INCLUDE as its own name and includes
// this first; the compiler then reads the file once for each instruction set, and FOVEA_BEST(f) is
// the version of f for the processor at hand.
//
// Vector code lives in HWY_NAMESPACE between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE(); what
// is to be compiled once stands under #if HWY_ONCE. Three instruction sets are enough: the
// baseline, AVX2 and AVX-512 on x86; NEON on Arm.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef FOVEA_BEST
#define FOVEA_BEST(FUNCTION)                                                            \
  [] {                                                                                  \
    using Pointer = decltype(&HWY_STATIC_DISPATCH(FUNCTION));                           \
    static const Pointer best = [] {                                                    \
      static constexpr Pointer versions[] = {nullptr, HWY_CHOOSE_TARGET_LIST(FUNCTION), \
                                             HWY_CHOOSE_FALLBACK(FUNCTION)};            \
      hwy::ChosenTarget& target = hwy::GetChosenTarget();                               \
      if (!target.IsInitialized()) target.Update(hwy::SupportedTargets());              \
      return versions[target.GetIndex()];                                               \
    }();                                                                                \
    return best;                                                                        \
  }()
#endif
