// What the messages of a call begin with.
#pragma once

#include <fmt/format.h>

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// "sequential: fit", or "sequential: fit: validation_data". It is text only where it is wanted.
struct CallName {
  std::string text() const {
    return fmt::format("{}: {}{}{}", model, call, *data ? ": " : "", data);
  }
  std::string path() const {
    return *data ? text() : model;
  }  ///< in front of what layers, loss and metrics say: paths, as hooks have them

  const char *model, *call;
  const char* data = "";  // which of several, if it is not the call's first
};

}}  // namespace fovea
