// Memory that is asked for before it is needed.
#pragma once

#include <type_traits>

#include "fovea/base/real.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

/// How many of a loop's `count` numbers, from number i on, it should ask for ahead: none where they are likely to be in a cache.
constexpr Index left_to_ask_for(Index count, Index i) { return count < (Index(1) << 18) ? 0 : count - i; }

/// Asks for what a loop, with `left` numbers before it from each of these places on, comes to one page later; what is const will be read, the
/// rest written. Processors look ahead by themselves, but not beyond a page, and on virtual machines often hardly at all; where much is reckoned
/// for each number, they also see too little of the loop at once to have enough requests under way.
template <class... Real>
[[gnu::always_inline]] inline void ask_ahead(Index left, Real*... places) {
  constexpr Index page = 4096 / sizeof(real);
  if (left > page) (__builtin_prefetch(places + page, std::is_const_v<Real> ? 0 : 1), ...);
}

}  // namespace fovea::kernels
