// What all back ends share: the bounds of set_threads, and the floating-point mode.
#include "parallel/parallel.hpp"

#include <fmt/format.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void set_threads(Index count) {
  if (count < 1 || count > parallel::most_threads)
    throw ValueError(
        fmt::format("set_threads: {} threads; it must be 1 to {}", count, parallel::most_threads));
  parallel::use_threads(count);
}

namespace parallel {

#if defined(__SSE2__)

constexpr unsigned flush_and_read_as_zero = 0x8040;

FlushSubnormals::FlushSubnormals() : saved_(_mm_getcsr()) {
  if ((saved_ & flush_and_read_as_zero) != flush_and_read_as_zero)
    _mm_setcsr(saved_ | flush_and_read_as_zero);
}
FlushSubnormals::~FlushSubnormals() {
  if ((saved_ & flush_and_read_as_zero) != flush_and_read_as_zero) _mm_setcsr(saved_);
}

#else

FlushSubnormals::FlushSubnormals() : saved_(0) {}
FlushSubnormals::~FlushSubnormals() = default;

#endif

}  // namespace parallel
}}  // namespace fovea
