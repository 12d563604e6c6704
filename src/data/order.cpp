#include "data/order.hpp"

#include <numeric>

#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

std::vector<Index> in_order(Index count) {
  std::vector<Index> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), Index(0));
  return positions;
}

std::vector<Index> shuffled(Index count, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<Index> positions = in_order(count);
  Rng random = Rng(seed).split("shuffle", epoch);
  for (Index i = count - 1; i > 0; --i)
    std::swap(positions[static_cast<std::size_t>(i)],
              positions[static_cast<std::size_t>(random.below(i + 1))]);
  return positions;
}

}}  // namespace fovea
