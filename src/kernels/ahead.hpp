// Memory that is asked for before it is needed.
#pragma once

#include <type_traits>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// How many of a loop's `count` numbers, from number i on, it should ask for ahead: none where they
/// are likely to be in a cache.
constexpr Index left_to_ask_for(Index count, Index i) {
  return count < (Index(1) << 18) ? 0 : count - i;
}

constexpr Index numbers_a_page = 4096 / sizeof(real);

/// Of two loops over each row of an array, the second asks ahead, where more is reckoned meanwhile:
/// a page later is another row. Of a row longer than a page, which the second loop finds in the
/// cache, the first must ask.
constexpr Index left_if_long(Index width, Index left) { return width > numbers_a_page ? left : 0; }

/// Asks for what a loop, with `left` numbers before it from each of these places on, comes to one
/// page later; what is const will be read, the rest written. Processors look ahead by themselves,
/// but not beyond a page, and on virtual machines often hardly at all; where much is reckoned for
/// each number, they also see too little of the loop at once to have enough requests under way.
template <class... Real>
[[gnu::always_inline]] inline void ask_ahead(Index left, Real*... places) {
  if (left > numbers_a_page)
    (__builtin_prefetch(places + numbers_a_page, std::is_const_v<Real> ? 0 : 1), ...);
}

}}}  // namespace fovea::kernels
