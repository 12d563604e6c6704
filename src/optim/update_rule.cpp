#include "fovea/optim/update_rule.hpp"

#include <algorithm>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// In pieces, so that the sum needs no memory.
void UpdateRule::update_row(const StepFactors& factors, std::span<const real* const> parts,
                            const Cells& cells) const {
  if (parts.size() == 1) return update(factors, parts[0], cells);
  constexpr Index piece = 256;
  std::array<real, piece> sum;
  for (Index begin = 0; begin < cells.count; begin += piece) {
    const Index count = std::min(piece, cells.count - begin);
    std::copy_n(parts[0] + begin, count, sum.begin());
    for (const real* part : parts.subspan(1))
      for (Index i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] += part[begin + i];
    update(factors, sum.data(), cells.part(begin, count));
  }
}

void UpdateRule::replay(const MissedSteps& steps, const Cells& cells) const {
  std::int32_t done = steps.done;
  for (std::size_t i = 0; i < steps.ends.size(); ++i)
    for (; done < steps.ends[i]; ++done) update(steps.factors[i], nullptr, cells);
}

}}  // namespace fovea
