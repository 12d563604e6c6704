#include "kernels/dropout.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void dropout(const real* x, const Drops& drops, Index count, real* y, bool add) {
  const real factor = drops.rate < 1 ? 1 / (1 - drops.rate) : real(0);
  parallel::for_range(count, parallel::grain(16), [&](Index begin, Index end) {
    std::array<real, 256> uniform;
    for (Index i = begin; i < end;) {
      const Index n = std::min(end - i, static_cast<Index>(uniform.size()));
      drops.random.fill(static_cast<std::uint64_t>(drops.first + i),
                        std::span(uniform).first(static_cast<std::size_t>(n)));
      for (Index k = 0; k < n; ++k, ++i) {
        const real value =
            uniform[static_cast<std::size_t>(k)] >= drops.rate ? x[i] * factor : real(0);
        y[i] = add ? y[i] + value : value;
      }
    }
  });
}

}}}  // namespace fovea::kernels
