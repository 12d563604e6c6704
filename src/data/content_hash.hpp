// A hash of content: the same number on every machine and in every version.
#pragma once

#include <cstdint>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns XXH3 in 64 bits with a seed, whose values are frozen since xxHash 0.8.0.
std::uint64_t content_hash(std::string_view bytes, std::uint64_t seed = 0);

/// For maps from texts, which are looked up by views.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return content_hash(text); }
};

}}  // namespace fovea
