// JSON of a file that is not trusted: each value is checked when it is asked for.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// A value of JSON. Its end asks for no memory, which may be what is lacking.
struct Json {
  using List = std::vector<Json>;
  using Members = std::map<std::string, Json, std::less<>>;

  Json() = default;
  Json(bool flag) : value(flag) {}  // NOLINT: implicit, as all of these
  Json(double number) : value(number) {}
  Json(std::string text) : value(std::move(text)) {}
  Json(const char* text) : value(std::string(text)) {}
  Json(List list) : value(std::move(list)) {}
  Json(Members members) : value(std::move(members)) {}
  template <std::signed_integral T>
  Json(T number) : value(std::int64_t{number}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Json(T number) : value(std::uint64_t{number}) {}
  template <class T>
  Json(const std::vector<T>& list) : value(List(list.begin(), list.end())) {}

  /// Returns the text. Throws ValueError for what is no UTF-8.
  std::string dump() const;

  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, List,
               Members>
      value;
};

/// The longest text that is read as JSON, in bytes, how many values it may have, each of which
/// takes many times the memory of its text, and how deep they may nest.
constexpr std::size_t longest_json = std::size_t(1) << 24, most_json = std::size_t(1) << 18,
                      deepest_json = 32;

/// Returns the value of a text of the metadata. Throws FormatError, as all functions here do.
Json parsed(const std::string& file, std::string_view name, std::string_view text);

/// A value inside of a text, with its place for messages. Refers to the value.
class JsonPart {
 public:
  JsonPart(const std::string& file, std::string place, const Json& value)
      : file_(&file), place_(std::move(place)), value_(&value) {}

  /// Returns a member of an object, or nothing; with [], throws without it.
  std::optional<JsonPart> find(std::string_view member) const;
  JsonPart operator[](std::string_view member) const;
  /// Throws for a member other than these.
  void allow_only(const std::vector<std::string_view>& members) const;
  /// Returns the names of an object's members.
  std::vector<std::string> members() const;
  /// Returns the elements of a list of at most `most`.
  std::vector<JsonPart> items(std::size_t most = 100'000) const;

  bool flag() const;
  std::string text() const;
  /// Returns a whole number of at least `least`.
  Index whole(Index least = 0) const;
  std::uint64_t seed() const;
  /// Returns a finite number.
  double number() const;

  const Json& value() const& { return *value_; }
  const std::string& place() const& { return place_; }
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  template <class T>
  const T& as(const char* expected) const;

  const std::string* file_;
  std::string place_;
  const Json* value_;
};

}}}  // namespace fovea::train
