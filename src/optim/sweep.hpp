// One step on all elements of a parameter.
#pragma once

#include "fovea/optim/update_rule.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Makes a step in parallel. `all` is a whole parameter; a null gradient stands for zeros.
inline void sweep(const UpdateRule& rule, const StepFactors& factors, const real* gradient,
                  const Cells& all) {
  parallel::for_range(all.count, parallel::worth_a_task / 4, [&](Index begin, Index end) {
    rule.update(factors, gradient ? gradient + begin : nullptr, all.part(begin, end - begin));
  });
}

}}  // namespace fovea
