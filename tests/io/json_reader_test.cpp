// The reader of JSON that all formats share: what it tells, and what it refuses.
#include "io/json_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

const std::string name = "t.json";

// Writes down what it is told, each token behind where it begins.
struct Told final : io::JsonReader {
  explicit Told(std::string_view text, io::JsonLimits limits = {})
      : JsonReader(name, text, limits) {
    read();
  }

  std::string events;
  double last = 0;  // number

 private:
  void add(const std::string& what) { events += fmt::format("{}:{} ", begin(), what); }
  void null() override { add("null"); }
  void boolean(bool flag) override { add(flag ? "true" : "false"); }
  void number(Number number) override {
    constexpr const char* kinds[] = {"u", "i", "d"};
    add(kinds[number.index()] + std::string(token()));
    std::visit([&](auto value) { last = static_cast<double>(value); }, number);
  }
  void string(std::string text) override { add("'" + text + "'"); }
  void begin_object() override { add("{"); }
  void key(std::string key) override { add(key + "="); }
  void end_object() override { add("}"); }
  void begin_list() override { add("["); }
  void end_list() override { add("]"); }
};

std::string refused(const std::string& text, io::JsonLimits limits = {}) {
  return refusal<FormatError>([&] { Told(text, limits); });
}

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (; count > 0; --count) all += text;
  return all;
}

}  // namespace

TEST_CASE("JSON: a reader is told of each token in order, with its place") {
  CHECK(Told("{}").events == "0:{ 1:} ");
  CHECK(Told(R"({"a": [1, -2, 0.5], "b":{ "c" :null,"d":true}, "e":"\"x\u0041"} )").events ==
        R"(0:{ 1:a= 6:[ 7:u1 10:i-2 14:d0.5 17:] 20:b= 24:{ 26:c= 31:null 36:d= 40:true 44:} )"
        R"(47:e= 51:'"xA' 62:} )");
}

TEST_CASE("JSON: numbers are rounded to nearest, and those beyond 64 bits are real numbers") {
  const auto number = [](const std::string& text) { return Told("{\"x\":" + text + "}").last; };
  for (Index trial = 0; trial < 2000; ++trial) {
    support::Generate draw("json_numbers", trial);
    const double any = std::bit_cast<double>(draw.bits());
    if (!std::isfinite(any)) continue;
    const std::string text = fmt::format("{:e}", any).find("inf") == std::string::npos
                                 ? fmt::format("{:.17e}", any)
                                 : "0";
    CAPTURE(text);
    CHECK(std::bit_cast<std::uint64_t>(number(text)) == std::bit_cast<std::uint64_t>(any));
  }
  CHECK(number("1e-999") == 0);
  CHECK(number("5e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(number("18446744073709551615") == 18446744073709551615.0);
  CHECK(Told("{\"x\":18446744073709551616}").events == "0:{ 1:x= 5:d18446744073709551616 25:} ");
  CHECK(Told("{\"x\":-9223372036854775808}").events == "0:{ 1:x= 5:i-9223372036854775808 25:} ");
}

TEST_CASE("JSON: what is no object of JSON in UTF-8 is refused, with the byte") {
  CHECK(refused("") == "t.json: at byte 0: the text must begin with {");
  CHECK(refused("[]") == "t.json: at byte 0: the text must begin with {");
  CHECK(refused("\xEF\xBB\xBF{}") == "t.json: at byte 0: the text must begin with {");
  CHECK(refused(std::string("{}\0", 3)) == "t.json: at byte 2: the text holds a NUL");
  const std::string broken = ": the text is no valid JSON in UTF-8 here";
  CHECK(refused("{") == "t.json: at byte 0" + broken);
  CHECK(refused("{} {}") == "t.json: at byte 3" + broken);
  CHECK(refused("{\"a\" 1}") == "t.json: at byte 5" + broken);
  for (const char* wrong : {"1e999",
                            "-1e999",
                            "01",
                            "1.",
                            ".5",
                            "+1",
                            "0x10",
                            "NaN",
                            "nan",
                            "Infinity",
                            "'a'",
                            "tru",
                            "\"a",
                            "\"\\x\"",
                            "\"\\ud800\"",
                            "\"\\udc00\\ud800\"",
                            "\"\xff\"",
                            "\"\xc0\x80\"",
                            "\"\xed\xa0\x80\"",
                            "\"\t\"",
                            "[1,]",
                            "{\"b\":1,}",
                            "/**/1",
                            "1 2",
                            "]",
                            "[}"})
    CHECK_MESSAGE(refused("{\"a\":" + std::string(wrong) + "}").ends_with(broken), wrong);
}

TEST_CASE("JSON: a name that stands twice in an object is refused, however it is written") {
  CHECK(refused("{\"a\":1,\"a\":1}") == "t.json: at byte 7: the name \"a\" stands twice");
  CHECK(refused("{\"a\":1,\"\\u0061\":1}") == "t.json: at byte 7: the name \"a\" stands twice");
  CHECK(refused("{\"x\":[{\"b\":1},{\"b\":1,\"c\":2,\"b\":3}]}") ==
        "t.json: at byte 27: the name \"b\" stands twice");
  CHECK(Told("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}").last == 1);
}

TEST_CASE("JSON: texts within the limits are read, and those beyond are refused") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + repeated("[", depth - 1) + repeated("]", depth - 1) + "}";
  };
  CHECK_NOTHROW(Told(nested(32)));
  CHECK(refused(nested(33)) == "t.json: at byte 36: nested deeper than 32 levels");
  CHECK(refused("{\"a\":" + repeated("[", 1 << 20)) ==
        "t.json: at byte 36: nested deeper than 32 levels");
  CHECK(refused(repeated("{\"a\":", 1 << 20)) ==
        "t.json: at byte 160: nested deeper than 32 levels");
  const io::JsonLimits five{.values = 5};
  CHECK_NOTHROW(Told("{\"a\":[1,true,\"\"]}", five));
  CHECK(refused("{\"a\":[1,true,\"\",null]}", five) == "t.json: at byte 16: more than 5 values");
  CHECK(refused("{\"a\":[{},[],{},[]]}", five) == "t.json: at byte 15: more than 5 values");
  CHECK_NOTHROW(Told("{\"a\":1}", {.bytes = 7}));
  CHECK(refused("{\"a\":1}", {.bytes = 6}) ==
        "t.json: at byte 0: the text has 7 bytes; at most 6 are read");
}
