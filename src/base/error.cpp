#include "fovea/base/error.hpp"

#include <fmt/format.h>

namespace fovea { inline namespace FOVEA_PRECISION {

void Error::add_path(std::string_view name) {
  message_ =
      path_.empty() ? fmt::format("{}: {}", name, message_) : fmt::format("{}/{}", name, message_);
  path_ = path_.empty() ? std::string(name) : fmt::format("{}/{}", name, path_);
}

}}  // namespace fovea
