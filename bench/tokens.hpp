// Ids as a text has them, and labels: what training steps are timed with.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/array/ids.hpp"
#include "fovea/base/random.hpp"

namespace bench {

/// Tokens below `vocab`, uniform or by Zipf's law: the probability of rank r is proportional to 1 /
/// r, by inverting the integral of 1 / x.
inline fovea::Ids draw_tokens(const fovea::Shape& shape, fovea::Index vocab, bool zipf) {
  const fovea::Rng random(7);
  const double size = static_cast<double>(vocab);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const double u = static_cast<double>(random.bits(i)) * 0x1p-32;
    ids[i] =
        static_cast<std::int32_t>(std::min(size - 1, zipf ? std::pow(size + 1, u) - 1 : u * size));
  }
  return fovea::Ids(shape, ids);
}

inline fovea::Ids draw_labels(fovea::Index count, std::uint32_t classes) {
  const fovea::Rng random(11);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<std::int32_t>(random.bits(i) % classes);
  return fovea::Ids(fovea::Shape{count}, labels);
}

}  // namespace bench
