// y = x / (1 - rate) where kept, 0 elsewhere; dx = dy / (1 - rate) where kept. Which elements are
// kept is a function of their position, so nothing is stored: the backward rule draws the same
// numbers again.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void drop(const real* x, real rate, const Rng& random, Index first, real* y, Index n, bool add) {
  const real factor = rate < 1 ? 1 / (1 - rate) : real(0);
  parallel::for_range(n, parallel::grain(16), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const real value =
          random.uniform(static_cast<std::uint64_t>(first + i)) >= rate ? x[i] * factor : real(0);
      y[i] = add ? y[i] + value : value;
    }
  });
}

}  // namespace

Tensor dropout(const Tensor& x, real rate, const Rng& random, Index first) {
  if (!(rate >= 0 && rate <= 1))
    throw ValueError(fmt::format("dropout: the rate is {}; it must be 0 to 1", rate));
  Array y(x.shape());
  drop(x.value().data(), rate, random, first, y.mutable_data(), y.count(), false);
  return record("dropout", y, wrt(x, [rate, random, first](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  drop(dy.data(), rate, random, first, view.data, dy.count(), add);
                }));
}

}}  // namespace fovea
