#include "io/json_text.hpp"

#include <nlohmann/json.hpp>

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

using Json = nlohmann::json;

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> exact_json_string(std::string_view text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    return std::nullopt;
  }
}

}}}  // namespace fovea::io
