// Where an error comes from, in front of what it says.
#pragma once

#include <concepts>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns body(). An Error that leaves it begins with the path: a string, or a function that
/// returns one and is called for an error only. The path stands before the error's own.
template <class Path, class Body>
auto located(const Path& path, const Body& body) {
  try {
    return body();
  } catch (Error& error) {
    if constexpr (std::invocable<const Path&>)
      error.add_path(path());
    else
      error.add_path(path);
    throw;
  }
}

}}  // namespace fovea
