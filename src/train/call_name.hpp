// The name of a call, with which its messages begin.
#pragma once

#include <fmt/format.h>

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// "sequential: fit", or "sequential: fit: validation_data". The text is made on demand.
struct CallName {
  std::string text() const {
    return fmt::format("{}: {}{}{}", model, call, *data ? ": " : "", data);
  }
  /// Returns the beginning of messages of layers, losses and metrics: a path, as hooks have it.
  std::string path() const { return *data ? text() : model; }

  const char *model, *call;
  const char* data = "";  // the argument, if it is not the first one of the call
};

}}  // namespace fovea
