#include "train/json_part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/io/error.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

namespace {

// Metadata stand in the header; the name in the message says where.
[[noreturn]] void fail(const std::string& file, const std::string& reason) {
  throw FormatError(file, io::safetensors_length_bytes, reason);
}

}  // namespace

Json parsed(const std::string& file, std::string_view name, const std::string& text) {
  if (text.size() > longest_json)
    fail(file,
         fmt::format("{} has {} bytes; at most {} are read", name, text.size(), longest_json));
  bool deep = false;
  Json value = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > deepest_json;
        return !deep;
      },
      false);
  if (deep) fail(file, fmt::format("{} nests deeper than {} levels", name, deepest_json));
  if (value.is_discarded()) fail(file, fmt::format("{} is no JSON: {}", name, io::shown(text)));
  return value;
}

std::optional<JsonPart> JsonPart::find(std::string_view member) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(std::string(member));
  if (found == value_->end()) return std::nullopt;
  return JsonPart(*file_, fmt::format("{}/{}", place_, member), *found);
}

JsonPart JsonPart::operator[](std::string_view member) const {
  if (std::optional<JsonPart> found = find(member)) return *found;
  refuse(fmt::format("an object with \"{}\"", member));
}

void JsonPart::allow_only(const std::vector<std::string_view>& allowed) const {
  for (const std::string& name : members())
    if (std::ranges::find(allowed, name) == allowed.end())
      fail(*file_, fmt::format("{}: \"{}\" is not known; there {}: {}", place_, io::shown(name),
                               allowed.size() == 1 ? "is" : "are", fmt::join(allowed, ", ")));
}

std::vector<std::string> JsonPart::members() const {
  if (!value_->is_object()) refuse("an object");
  std::vector<std::string> names;
  for (const auto& member : value_->items()) names.push_back(member.key());
  return names;
}

std::vector<JsonPart> JsonPart::items(std::size_t most) const {
  if (!value_->is_array() || value_->size() > most)
    refuse(fmt::format("a list of at most {}", most));
  std::vector<JsonPart> parts;
  for (const Json& item : *value_)
    parts.emplace_back(*file_, fmt::format("{}/{}", place_, parts.size()), item);
  return parts;
}

bool JsonPart::flag() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::string JsonPart::text() const {
  if (!value_->is_string()) refuse("a text");
  return value_->get<std::string>();
}

Index JsonPart::whole(Index least) const {
  const bool fits =
      value_->is_number_integer() &&
      (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= std::uint64_t(INT64_MAX));
  if (!fits || value_->get<std::int64_t>() < least)
    refuse(fmt::format("a whole number, at least {}", least));
  return value_->get<std::int64_t>();
}

std::uint64_t JsonPart::seed() const {
  if (!value_->is_number_unsigned()) refuse("a whole number, at least 0");
  return value_->get<std::uint64_t>();
}

double JsonPart::number() const {
  if (!value_->is_number() || !std::isfinite(value_->get<double>())) refuse("a number");
  return value_->get<double>();
}

bool JsonPart::is_object() const { return value_->is_object(); }

void JsonPart::refuse(const std::string& expected) const {
  const std::string given = value_->dump(-1, ' ', true, Json::error_handler_t::replace);
  fail(*file_, fmt::format("{}: expected {}, got {}", place_, expected, io::shown(given)));
}

}}}  // namespace fovea::train
