// Bases for the vector code of elementwise ops. A function derives from Unary or Binary and says
// its value and slope over lanes; the loops, their tails, and adding to what is there are here.
//
//   struct Tanh : Unary<Tanh> {
//     static Lane value(Lane x) { return tanh(x); }
//     static Lane slope_from_output(Lane y) { return lanes(1) - y * y; }   // needs y alone, so y
//     alone is kept
//   };
#if defined(FOVEA_KERNELS_ELEMENTWISE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_ELEMENTWISE_INL_HPP
#undef FOVEA_KERNELS_ELEMENTWISE_INL_HPP
#else
#define FOVEA_KERNELS_ELEMENTWISE_INL_HPP
#endif

#include "kernels/ahead.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Calls full(i) for each whole vector of n elements, then rest(i, k) for the k that remain.
template <class Full, class Rest>
HWY_INLINE void for_lanes(Index n, const Full& full, const Rest& rest) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Index i = 0;
  for (; i + width <= n; i += width) full(i);
  if (i < n) rest(i, n - i);
}

template <class Self>
struct Unary {
  /// Whether the slope is a function of the output; an op says so by having slope_from_output.
  static constexpr bool keeps_output = requires(Lane y) { Self::slope_from_output(y); }
  || requires(Lane y, Scalars s) { Self::slope_from_output(y, s); };

  /// What stands in lanes that hold no element: nothing there may raise a floating-point exception.
  static constexpr real harmless = 1;

  static HWY_INLINE Lane value_of(Lane x, [[maybe_unused]] Scalars scalars) {
    if constexpr (requires { Self::value(x); })
      return Self::value(x);
    else
      return Self::value(x, scalars);
  }

  static HWY_INLINE Lane slope_of(Lane kept, [[maybe_unused]] Scalars scalars) {
    if constexpr (requires { Self::slope_from_output(kept); })
      return Self::slope_from_output(kept);
    else if constexpr (requires { Self::slope_from_output(kept, scalars); })
      return Self::slope_from_output(kept, scalars);
    else if constexpr (requires { Self::slope_from_input(kept); })
      return Self::slope_from_input(kept);
    else
      return Self::slope_from_input(kept, scalars);
  }

  static void values(const real* x, real* y, Index n, Index left, Scalars scalars) {
    for_lanes(
        n,
        [&](Index i) HWY_ATTR {
          ask_ahead(left - i, x + i, y + i);
          hn::StoreU(value_of(hn::LoadU(Tag(), x + i), scalars), Tag(), y + i);
        },
        [&](Index i, Index k) HWY_ATTR {
          store_some(value_of(load_some(x + i, k, Self::harmless), scalars), y + i, k);
        });
  }

  static void slopes(const real* dy, const real* kept, real* dx, Index n, Index left, bool add,
                     Scalars scalars) {
    for_lanes(
        n,
        [&](Index i) HWY_ATTR {
          ask_ahead(left - i, dy + i, kept + i, dx + i);
          const Lane d = hn::LoadU(Tag(), dy + i) * slope_of(hn::LoadU(Tag(), kept + i), scalars);
          hn::StoreU(add ? hn::LoadU(Tag(), dx + i) + d : d, Tag(), dx + i);
        },
        [&](Index i, Index k) HWY_ATTR {
          const Lane d =
              load_some(dy + i, k) * slope_of(load_some(kept + i, k, Self::harmless), scalars);
          store_some(add ? load_some(dx + i, k) + d : d, dx + i, k);
        });
  }
};

/// Elements i... of an operand, or its one number repeated.
HWY_INLINE Lane operand(const real* p, Index stride, Index i) {
  return stride == 0 ? hn::Set(Tag(), *p) : hn::LoadU(Tag(), p + i);
}
HWY_INLINE Lane operand_some(const real* p, Index stride, Index i, Index k, real harmless) {
  return stride == 0 ? hn::Set(Tag(), *p) : load_some(p + i, k, harmless);
}

template <class Self>
struct Binary {
  static constexpr real harmless = 1;  // as of Unary

  /// What dc gives an operand: dc times its slope, unless the function says it itself.
  static HWY_INLINE Lane given_to_a(Lane dc, Lane a, Lane b) {
    if constexpr (requires { Self::share_of_a(dc, a, b); })
      return Self::share_of_a(dc, a, b);
    else
      return dc * Self::slope_a(a, b);
  }
  static HWY_INLINE Lane given_to_b(Lane dc, Lane a, Lane b) {
    if constexpr (requires { Self::share_of_b(dc, a, b); })
      return Self::share_of_b(dc, a, b);
    else
      return dc * Self::slope_b(a, b);
  }

  static void values(const real* a, Index stride_a, const real* b, Index stride_b, real* c,
                     Index n) {
    for_lanes(
        n,
        [&](Index i) HWY_ATTR {
          hn::StoreU(Self::value(operand(a, stride_a, i), operand(b, stride_b, i)), Tag(), c + i);
        },
        [&](Index i, Index k) HWY_ATTR {
          store_some(Self::value(rest(a, stride_a, i, k), rest(b, stride_b, i, k)), c + i, k);
        });
  }

  static void slopes_a(const real* dc, const real* a, Index stride_a, const real* b, Index stride_b,
                       real* da, Index n) {
    for_lanes(
        n,
        [&](Index i) HWY_ATTR {
          hn::StoreU(given_to_a(hn::LoadU(Tag(), dc + i), operand(a, stride_a, i),
                                operand(b, stride_b, i)),
                     Tag(), da + i);
        },
        [&](Index i, Index k) HWY_ATTR {
          store_some(
              given_to_a(load_some(dc + i, k), rest(a, stride_a, i, k), rest(b, stride_b, i, k)),
              da + i, k);
        });
  }

  static void slopes_b(const real* dc, const real* a, Index stride_a, const real* b, Index stride_b,
                       real* db, Index n) {
    for_lanes(
        n,
        [&](Index i) HWY_ATTR {
          hn::StoreU(given_to_b(hn::LoadU(Tag(), dc + i), operand(a, stride_a, i),
                                operand(b, stride_b, i)),
                     Tag(), db + i);
        },
        [&](Index i, Index k) HWY_ATTR {
          store_some(
              given_to_b(load_some(dc + i, k), rest(a, stride_a, i, k), rest(b, stride_b, i, k)),
              db + i, k);
        });
  }

 private:
  static HWY_INLINE Lane rest(const real* p, Index stride, Index i, Index k) {
    return operand_some(p, stride, i, k, Self::harmless);
  }
};

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

// The kernels of a function that derives from Unary or Binary, for the processor at hand.
#ifndef FOVEA_UNARY
#define FOVEA_UNARY(NAME)                                                                       \
  ::fovea::kernels::UnaryKernel {                                                               \
    FOVEA_BEST(NAME::values), FOVEA_BEST(NAME::slopes), HWY_STATIC_DISPATCH(NAME)::keeps_output \
  }
#define FOVEA_BINARY(NAME)                                                           \
  ::fovea::kernels::BinaryKernel {                                                   \
    FOVEA_BEST(NAME::values), FOVEA_BEST(NAME::slopes_a), FOVEA_BEST(NAME::slopes_b) \
  }
#endif
