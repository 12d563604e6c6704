// Hostile JSON for every reader of it: what one refuses, all do, in little memory.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "fovea/fovea.hpp"
#include "io/safetensors_files.hpp"
#include "support/requested.hpp"
#include "train/json_part.hpp"

using namespace fovea;

namespace {

using Json = nlohmann::ordered_json;

struct User {
  const char* name;
  std::string whole;  // a text that is read
  std::function<void(const std::string& text)> read;
};

std::string structure_of_a_model() {
  const test_files::Folder folder;
  Sequential model{Dense{2, Activation::relu}, Dense{1}};
  model.compile({.loss = MeanSquaredError{}});
  model.train_on_batch(Array(Shape{1, 3}, {1, 2, 3}), Array(Shape{1, 1}, {1}));
  model.save(folder / "m", {.standalone = true});
  return SafetensorsFile(folder / "m").metadata().at("fovea.structure");
}

std::string header_of_tensors() {
  const test_files::Folder folder;
  write_safetensors(folder / "t", {{"w", Array({2}, {1, 2})}, {"b", Ids({1}, {3})}},
                    {{"note", "text"}}, {.checksum = false});
  const std::string bytes = test_files::read_bytes(folder / "t");
  return bytes.substr(8, bytes.rfind('}') - 7);
}

std::vector<User> users() {
  TextVectorization vectorize;
  vectorize.adapt({"one two"});
  return {{"safetensors", header_of_tensors(),
           [](const std::string& text) {
             const support::MemoryFile memory;
             SafetensorsFile(memory(test_files::with_header(text, 12)));
           }},
          {"vectorization", vectorize.to_json(),
           [](const std::string& text) { static_cast<void>(TextVectorization::from_json(text)); }},
          {"model", structure_of_a_model(), [](const std::string& text) {
             train::parsed("m.safetensors", "fovea.structure", text);
           }}};
}

// The text of a value, in which member number `twice`, counted down, stands a second time, its name
// in other letters where `escaped`.
std::string doubled(const Json& value, int& twice, bool escaped) {
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [name, part] : value.items()) {
    const bool again = value.is_object() && twice-- == 0;
    const std::string inside = doubled(part, twice, escaped);
    if (value.is_object()) text += Json(name).dump() + ":";
    text += inside + ",";
    if (!again) continue;
    std::string letters;
    for (const char c : name) letters += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    text += '"' + (escaped ? letters : name) + "\":" + inside + ",";
  }
  if (!text.empty()) text.pop_back();
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (; count > 0; --count) all += text;
  return all;
}

std::vector<std::string> hostile_texts(const std::string& whole) {
  const std::string behind = whole.substr(1);  // the brace that opens it
  const auto with = [&](const std::string& first) { return "{\"a\":" + first + "," + behind; };
  return {"",
          "null",
          "[" + whole + "]",
          "\xEF\xBB\xBF" + whole,
          whole + whole,
          whole + std::string(1, '\0'),
          whole.substr(0, whole.size() - 1),
          with("'x'"),
          with("\"\\ud800\""),
          with("\"\xff\""),
          with("1e999"),
          with("NaN"),
          with("/**/1"),
          with("1,"),
          with("\"" + std::string(1 << 20, 'x')),
          with(std::string(1 << 20, '[')),
          with(repeated("{\"a\":", 1 << 18)),
          with(std::string(1000, '[') + std::string(1000, ']')),
          with("[" + repeated("[],", 1 << 19) + "[]]"),
          with("[" + repeated("0,", 1 << 19) + "0]")};
}

// The message with which a text is refused, in memory of its size.
std::string refused(const User& user, const std::string& text) {
  const std::size_t already = support::requested;
  std::string told = "read";
  try {
    user.read(text);
  } catch (const FormatError& error) {
    told = error.what();
  }
  CHECK(support::requested - already < (1 << 16) + 100 * text.size());
  return told;
}

}  // namespace

TEST_CASE("every reader of JSON reads what is whole, and refuses hostile texts in little memory") {
  Index count = 0;
  for (const User& user : users()) {
    CAPTURE(user.name);
    CHECK(refused(user, user.whole) == "read");
    for (const std::string& text : hostile_texts(user.whole)) {
      CAPTURE(text.substr(0, 60));
      CHECK(refused(user, text) != "read");
      ++count;
    }
  }
  std::printf("figure: hostile texts of JSON refused = %lld\n", static_cast<long long>(count));
}

TEST_CASE("every reader of JSON refuses each name that stands twice, however it is written") {
  for (const User& user : users()) {
    CAPTURE(user.name);
    const Json whole = Json::parse(user.whole);
    int count = 0;
    for (bool more = true; more; ++count)
      for (const bool escaped : {false, true}) {
        int twice = count;
        const std::string text = doubled(whole, twice, escaped);
        more = twice < 0;
        CAPTURE(text);
        if (more) CHECK(refused(user, text).ends_with("\" stands twice"));
      }
    CHECK(count > 5);
  }
}
