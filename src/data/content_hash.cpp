#include "data/content_hash.hpp"

#include <xxhash.h>

namespace fovea { inline namespace FOVEA_PRECISION {

std::uint64_t content_hash(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}}  // namespace fovea
