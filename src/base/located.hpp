// Where an error comes from, in front of what it says.
#pragma once

#include <string_view>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns body(). An Error that leaves it begins with `path`, which stands before its own path.
template <class Body>
auto located(std::string_view path, const Body& body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_path(path);
    throw;
  }
}

}}  // namespace fovea
