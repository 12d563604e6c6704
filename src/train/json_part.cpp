#include "train/json_part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/json_reader.hpp"
#include "io/json_text.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

namespace {

// Metadata stand in the header; the name in the message says where.
[[noreturn]] void fail(const std::string& file, const std::string& reason) {
  throw FormatError(file, io::safetensors_length_bytes, reason);
}

// Makes a value of a text of the metadata.
class Builder final : public io::JsonReader {
 public:
  Builder(const std::string& file, std::string_view name, std::string_view text)
      : JsonReader(file, text, {.bytes = longest_json, .values = most_json, .depth = deepest_json}),
        name_(name) {}

  Json result() { return std::move(result_); }

 private:
  void null() override { place() = Json(); }
  void boolean(bool flag) override { place() = flag; }
  void number(Number number) override {
    std::visit([&](auto value) { place() = value; }, number);
  }
  void string(std::string text) override { place() = std::move(text); }
  void begin_object() override { begin_at(Json::Members()); }
  void begin_list() override { begin_at(Json::List()); }
  void key(std::string name) override { member_ = std::move(name); }
  void end_object() override { open_.pop_back(); }
  void end_list() override { open_.pop_back(); }
  FormatError error(std::size_t position, const std::string& reason) const override {
    return {file(), io::safetensors_length_bytes,
            fmt::format("{}: byte {}: {}", name_, position, reason)};
  }

  // Places stay where they are: a list grows only when its last element is complete.
  Json& place() {
    if (open_.empty()) return result_;
    if (auto* const list = std::get_if<Json::List>(&open_.back()->value))
      return list->emplace_back();
    return std::get<Json::Members>(open_.back()->value)[member_];
  }
  void begin_at(Json value) {
    Json& here = place();
    here = std::move(value);
    open_.push_back(&here);
  }

  std::string_view name_;  // of the text
  Json result_;
  std::vector<Json*> open_;
  std::string member_;
};

std::string quoted(const std::string& text) {
  if (std::optional<std::string> string = io::exact_json_string(text)) return *std::move(string);
  throw ValueError(fmt::format("expected a text in UTF-8, got \"{}\"", io::shown(text)));
}

// A number that is read as one with a point.
std::string text_of(double number) {
  std::string text = fmt::to_string(number);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

struct Dump {
  std::string operator()(std::nullptr_t) const { return "null"; }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(double number) const { return text_of(number); }
  std::string operator()(const std::string& text) const { return quoted(text); }
  template <std::integral T>
  std::string operator()(T number) const {
    return fmt::to_string(number);
  }
  std::string operator()(const Json::List& list) const {
    std::vector<std::string> texts;
    for (const Json& each : list) texts.push_back(each.dump());
    return fmt::format("[{}]", fmt::join(texts, ","));
  }
  std::string operator()(const Json::Members& members) const {
    std::vector<std::string> texts;
    for (const auto& [name, each] : members) texts.push_back(quoted(name) + ":" + each.dump());
    return fmt::format("{{{}}}", fmt::join(texts, ","));
  }
};

}  // namespace

std::string Json::dump() const { return std::visit(Dump(), value); }

Json parsed(const std::string& file, std::string_view name, std::string_view text) {
  Builder builder(file, name, text);
  builder.read();
  return builder.result();
}

template <class T>
const T& JsonPart::as(const char* expected) const {
  if (const T* const found = std::get_if<T>(&value_->value)) return *found;
  refuse(expected);
}

std::optional<JsonPart> JsonPart::find(std::string_view member) const {
  const auto& members = as<Json::Members>("an object");
  const auto found = members.find(member);
  if (found == members.end()) return std::nullopt;
  return JsonPart(*file_, fmt::format("{}/{}", place_, io::shown(member)), found->second);
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
  std::vector<std::string> names;
  for (const auto& member : as<Json::Members>("an object")) names.push_back(member.first);
  return names;
}

std::vector<JsonPart> JsonPart::items(std::size_t most) const {
  const auto& list = as<Json::List>("a list");
  if (list.size() > most) refuse(fmt::format("a list of at most {}", most));
  std::vector<JsonPart> parts;
  for (const Json& item : list)
    parts.emplace_back(*file_, fmt::format("{}/{}", place_, parts.size()), item);
  return parts;
}

bool JsonPart::flag() const { return as<bool>("true or false"); }

std::string JsonPart::text() const { return as<std::string>("a text"); }

Index JsonPart::whole(Index least) const {
  const auto* const large = std::get_if<std::uint64_t>(&value_->value);
  const auto* const number = std::get_if<std::int64_t>(&value_->value);
  if (large && *large <= std::uint64_t(INT64_MAX) && static_cast<Index>(*large) >= least)
    return static_cast<Index>(*large);
  if (number && *number >= least) return *number;
  refuse(least == INT64_MIN ? "a whole number" : fmt::format("a whole number, at least {}", least));
}

std::uint64_t JsonPart::seed() const { return as<std::uint64_t>("a whole number, at least 0"); }

double JsonPart::number() const {
  const double number = as<double>("a number with a point");
  if (!std::isfinite(number)) refuse("a finite number");
  return number;
}

void JsonPart::refuse(const std::string& expected) const {
  fail(*file_, fmt::format("{}: expected {}, got {}", place_, expected, io::shown(value_->dump())));
}

}}}  // namespace fovea::train
