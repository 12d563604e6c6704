// A TextVectorization as JSON, whole and damaged.
#include <doctest/doctest.h>

#include "fovea/data/text_vectorization.hpp"
#include "fovea/io/error.hpp"
#include "fuzz/mutator.hpp"
#include "support/refusal.hpp"
#include "text_golden.hpp"

using namespace fovea;
using namespace text_golden;
using support::refusal;

namespace {

std::string with(const std::string& from, const std::string& to) {
  std::string text = TextVectorization().to_json();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string told(const std::string& text) {
  return refusal<FormatError>([&] { static_cast<void>(TextVectorization::from_json(text)); });
}

}  // namespace

TEST_CASE("what comes back from JSON has the same options and gives the same") {
  const Json golden = read("text_vectorization.json");
  const auto adapted = golden["adapted"].get<std::vector<std::string>>();
  const auto called = golden["called"].get<std::vector<std::string>>();
  for (const Json& expected : golden["cases"]) {
    CAPTURE(expected["config"].dump());
    TextVectorization vectorize(options(expected["config"]));
    if (!expected["config"].contains("vocabulary")) vectorize.adapt(adapted);
    const std::string text = vectorize.to_json();
    const TextVectorization back = TextVectorization::from_json(text);
    CHECK(back.to_json() == text);
    CHECK(back.get_vocabulary() == vectorize.get_vocabulary());
    CHECK(back.idf_weights() == vectorize.idf_weights());
    CHECK(numbers(back(called)) == numbers(vectorize(called)));
  }
}

TEST_CASE("one without a vocabulary comes back without, and can learn one") {
  TextVectorization back = TextVectorization::from_json(TextVectorization().to_json());
  CHECK(back.get_vocabulary().empty());
  back.adapt({"word"});
  CHECK(back.vocabulary_size() == 3);
  TextVectorization again = TextVectorization::from_json(back.to_json());
  CHECK_THROWS_AS(again.adapt({"other"}), StateError);
}

TEST_CASE("a function of one's own is asked for by name") {
  const auto upper = [](std::string_view text) { return std::string(text) + " more"; };
  TextVectorization own{{.standardize = upper}};
  own.adapt({"word"});
  const std::string text = own.to_json();
  CHECK(refusal<ValueError>([&] { static_cast<void>(TextVectorization::from_json(text)); }) ==
        "TextVectorization: standardize: it was made with a function of its own; give that "
        "function to from_json");
  const TextVectorization back = TextVectorization::from_json(text, {.standardize = upper});
  CHECK(numbers(back({"word"})) == numbers(own({"word"})));
  CHECK(refusal<ValueError>([&] {
          static_cast<void>(
              TextVectorization::from_json(TextVectorization().to_json(), {.standardize = upper}));
        }) ==
        "TextVectorization: standardize: it was made with \"lower_and_strip_punctuation\"; leave "
        "the function out");
}

TEST_CASE("JSON that to_json does not write is refused, with the byte") {
  CHECK(told("") == "TextVectorization: at byte 0: the text must begin with {");
  CHECK(told("\xEF\xBB\xBF{}") == "TextVectorization: at byte 0: the text must begin with {");
  CHECK(told(std::string("{}\0", 3)) == "TextVectorization: at byte 2: the text holds a NUL");
  CHECK(told("{}") == "TextVectorization: at byte 1: class_name is missing");
  CHECK(told("{\"x\":1}").starts_with("TextVectorization: at byte 1: a member \"x\"; there are "));
  CHECK(told(with("\"ngrams\"", "\"split\"")) ==
        "TextVectorization: at byte 117: the name \"split\" stands twice");
  CHECK(told(with("\"TextVectorization\"", "\"StringLookup\"")) ==
        "TextVectorization: at byte 14: class_name cannot be \"StringLookup\"");
  CHECK(told(with("whitespace", "words")) ==
        "TextVectorization: at byte 104: split: expected one of whitespace, character, none, got "
        "\"words\"");
  CHECK(told(with("null", "-1")) == "TextVectorization: at byte 47: max_tokens cannot be -1");
  CHECK(told(with("null", "1.5")) == "TextVectorization: at byte 47: max_tokens cannot be 1.5");
  CHECK(told(with("null", "4294967296")) ==
        "TextVectorization: at byte 47: a number beyond 2^31 - 1");
  CHECK(told(with("null", "{}")) == "TextVectorization: at byte 47: max_tokens cannot be {");
  CHECK(told(with("false", "null")).ends_with("pad_to_max_tokens cannot be null"));
  CHECK(told(with("\"vocabulary\":[", "\"vocabulary\":[["))
            .ends_with("vocabulary: an element cannot be ["));
  CHECK(told(with("\"vocabulary\":[", "\"vocabulary\":[1"))
            .ends_with("vocabulary: an element cannot be 1"));
  CHECK(told(with("\"idf_weights\":[", "\"idf_weights\":[1e999"))
            .ends_with("no valid JSON in UTF-8 here"));
  CHECK(told(TextVectorization().to_json() + "{}").ends_with("no valid JSON in UTF-8 here"));
}

TEST_CASE("30000 damaged JSON texts and every truncation end in an object or in an Error") {
  TextVectorization own{{.max_tokens = 9, .ngrams = 2, .output_mode = TextOutput::tf_idf}};
  own.adapt({"one two", "two \"three\" é", "日本"});
  const std::string original = own.to_json();
  Index refused = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      static_cast<void>(TextVectorization::from_json(text)({"one two"}));
    } catch (const FormatError& error) {
      CHECK(error.byte_offset() >= 0);
      CHECK(error.byte_offset() <= static_cast<Index>(text.size()));
      ++refused;
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t size = 0; size < original.size(); ++size) attempt(original.substr(0, size));
  CHECK(refused == static_cast<Index>(original.size()));
  fuzz::Reader json{.name = "vectorization"};
  json.words = {"{",     "}",   "[",       "]",    ",",    ":",          "\"",       "null", "-1",
                "1e400", "0.5", "\\ud800", "\xff", "true", "4294967296", "\"one\",", "\"\","};
  for (std::uint64_t seed = 0; seed < 30000; ++seed) {
    CAPTURE(seed);
    attempt(fuzz::Mutator(json, seed)(original, original));
  }
  CHECK(refused > 20000);
}
