// Metrics as states, whichever form they have.
#pragma once

#include <bit>
#include <cstdint>

#include "fovea/train/metrics.hpp"

namespace states {

using namespace fovea;

template <class M>
auto with_state(const M& metric) {
  if constexpr (StateMetric<M>)
    return metric;
  else
    return metrics::Mean<M>{metric};
}

/// The metric of all samples at once.
template <class M>
double of_all(const M& metric, const Array& prediction, const Samples& target,
              const CountedPositions& counts = {}) {
  const auto form = with_state(metric);
  typename decltype(form)::State state{};
  form.update(state, prediction, target, counts);
  return form.result(state);
}

inline std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

}  // namespace states
