#include "io/json_text.hpp"

#include <nlohmann/json.hpp>

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}}}  // namespace fovea::io
