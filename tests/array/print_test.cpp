#include "fovea/array/print.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fovea/base/error.hpp"
#include "support/refusal.hpp"

using namespace fovea;

namespace {

using Json = nlohmann::json;

PrintOptions options_of(const Json& given) {
  PrintOptions options;
  if (given.contains("precision")) options.precision = given["precision"];
  if (given.contains("threshold")) options.threshold = given["threshold"];
  if (given.contains("edgeitems")) options.edge_items = given["edgeitems"];
  if (given.contains("linewidth")) options.line_width = given["linewidth"];
  if (given.contains("suppress")) options.suppress = given["suppress"];
  return options;
}

double no_number(const std::string& name) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return name == "nan" ? std::nan("") : name == "inf" ? infinity : -infinity;
}

template <class T, class Any>
std::string printed(const Json& one) {
  std::vector<T> values;
  for (const Json& value : one["values"])
    values.push_back(static_cast<T>(value.is_string() ? no_number(value.get<std::string>())
                                                      : value.get<double>()));
  const auto sizes = one["shape"].get<std::vector<Index>>();
  return to_string(Any(Shape(sizes), values), options_of(one["options"]));
}

std::string streamed(const auto& value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

}  // namespace

TEST_CASE("arrays are printed as NumPy prints them") {
  std::ifstream file(std::string(FOVEA_GOLDEN_DIR) + "/printed/printed.json");
  const Json cases = Json::parse(file);
  const std::string reals = sizeof(real) == 4 ? "float32" : "float64";
  int count = 0;
  for (const Json& one : cases) {
    const std::string type = one["type"];
    if (type.starts_with("float") && type != reals) continue;
    const std::string text = type == reals     ? printed<real, Array>(one)
                             : type == "int32" ? printed<std::int32_t, Ids>(one)
                                               : printed<std::uint8_t, Mask>(one);
    CHECK_MESSAGE(text == one["text"].get<std::string>(), one["options"].dump(), " ", text, "\n",
                  one["text"].get<std::string>());
    ++count;
  }
  CHECK(count > 190);
  MESSAGE("figure: arrays printed as by NumPy = ", count);
}

TEST_CASE("streams write what to_string returns, and rows as arrays") {
  const Array x = {{1, 2.5}, {3, -4}};
  CHECK(streamed(x) == "[[ 1.   2.5]\n [ 3.  -4. ]]");
  CHECK(streamed(x[1]) == "[ 3. -4.]");
  CHECK(streamed(x[1][1]) == "-4.0");
  CHECK(streamed(Ids{1, 20}) == "[ 1 20]");
  CHECK(streamed(Mask{1, 0}) == "[ True False]");
  CHECK(streamed(Shape{2, 3}) == "(2, 3)");
  CHECK(to_string(x, {.precision = 0}) == "[[ 1.  2.]\n [ 3. -4.]]");
}

TEST_CASE("options below 0 are rejected") {
  CHECK(support::refusal<ValueError>([] { to_string(Array{1}, {.precision = -1}); }) ==
        "to_string: expected options of at least 0, got -1");
  CHECK(to_string(Array{1, 2, 3}, {.threshold = 1, .edge_items = 0}) == "[...]");
  CHECK(to_string(Array{1.5, 2}, {.line_width = 0}) == "[1.5\n 2. ]");
}
