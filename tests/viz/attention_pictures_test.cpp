// Pictures of attention: what a heat map and a page hold, that tokens stay text, and what words
// look like on a terminal.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "fovea/fovea.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "support/text.hpp"
#include "support/xml.hpp"
#include "viz/drawn_weights.hpp"
#include "viz/token_text.hpp"

using namespace fovea;
using drawn::weights_like;
using support::contains;
using support::count;
using support::Generate;
using support::refusal;
using support::well_formed;

namespace {

// Tokens that would end a script, an attribute or a line, steer a terminal, or are no text.
const std::vector<std::string> hostile = {"</script><script>alert(1)</script>",
                                          "\"onload='x'&amp;",
                                          "<!--",
                                          "]]>",
                                          "\xff\xfe",
                                          std::string("a\0b", 3),
                                          "\x1b[2J",
                                          "",
                                          "  ",
                                          "\n",
                                          "\xE2\x80\xAE"
                                          "abc",
                                          "\xE2\x80\xA8",
                                          "\\u003c"};

AttentionMap map_of(std::vector<std::string> queries, std::vector<std::string> keys, Index heads) {
  Generate generate("attention pictures", heads);
  Array weights = weights_like(
      generate, {heads, static_cast<Index>(queries.size()), static_cast<Index>(keys.size())});
  return {"layer", std::move(weights), std::move(queries), std::move(keys), {}};
}

std::vector<std::string> numbered(Index tokens) {
  std::vector<std::string> result;
  for (Index i = 0; i < tokens; ++i) result.push_back("t" + std::to_string(i));
  return result;
}

// What stands behind `"name":"` in the data of a page, up to the next quote.
std::string member(const std::string& page, const std::string& name) {
  const std::size_t at = page.find("\"" + name + "\":\"") + name.size() + 4;
  return page.substr(at, page.find('"', at) - at);
}

std::vector<int> decoded(const std::string& text) {
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<int> bytes;
  for (std::size_t i = 0; i + 3 < text.size(); i += 4) {
    unsigned four = 0;
    for (std::size_t k = 0; k < 4; ++k)
      four =
          four << 6 | (text[i + k] == '=' ? 0U : static_cast<unsigned>(letters.find(text[i + k])));
    for (std::size_t k = 0; k < 3; ++k)
      if (k == 0 || text[i + k + 1] != '=') bytes.push_back(four >> (16 - 8 * k) & 255);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a heat map has a label for each token, a scale, and the weights where there is room") {
  const AttentionMap map{"decoder",
                         Array({2, 2, 3}, {1, 0, 0, 0, 1, 0, .5, .25, .25, 0, .125, .875}),
                         {"a", "b"},
                         {"x", "y", "z"},
                         {}};
  const std::string svg = attention_heat_map_svg(map, 1);
  CHECK(well_formed(svg));
  CHECK(contains(svg, ">decoder</text>"));
  CHECK(contains(svg, ">head 1 (0 to 1); rows look at columns</text>"));
  for (const char* label : {">a</text>", ">b</text>", ">x</text>", ">y</text>", ">z</text>"})
    CHECK_MESSAGE(count(svg, label) == 1, label);
  CHECK(contains(svg, ">weight, to 0.875</text>"));
  for (const char* value : {">.50<", ">.12<", ">.88<"}) CHECK_MESSAGE(contains(svg, value), value);
  CHECK(!contains(svg, ">.00<"));  // what is masked stays empty
  // The largest weight, in row 1 and column 2, has the strongest colour.
  CHECK(contains(svg, "<path fill=\"#08306b\" d=\"M2 1h1v1h-1z\"/>"));
  CHECK(contains(attention_heat_map_svg(map, 0), "<path fill=\"#08306b\" d=\"M0 0h1v1h-1zM1 1h1"));
  CHECK(!contains(attention_heat_map_svg(map, 1, {.title = "A & B", .values = false}), ">.50<"));
  CHECK(contains(attention_heat_map_svg(map, 1, {.title = "A & B"}), ">A &amp; B</text>"));
}

TEST_CASE("heat maps of every size are XML, with tokens of any bytes") {
  for (const auto& [rows, columns] : std::vector<std::pair<Index, Index>>{
           {0, 0}, {0, 3}, {1, 1}, {1, 300}, {300, 1}, {5, 5}, {40, 60}, {700, 700}})
    CHECK(well_formed(attention_heat_map_svg(map_of(numbered(rows), numbered(columns), 1), 0)));
  AttentionMap map = map_of(hostile, hostile, 2);
  map.name = hostile[0];
  const std::string svg = attention_heat_map_svg(map, 1, {.title = hostile[1]});
  CHECK(well_formed(svg));
  CHECK(!contains(svg, "<script"));
  CHECK(!find_invalid_utf8(svg));
  CHECK(!contains(svg, "\xE2\x80\xAE"));
  CHECK(contains(svg, ">\xE2\x90\x8A</text>"));  // a picture of the end of a line
}

TEST_CASE("a page holds the weights to the precision that it says, each list of tokens once") {
  AttentionMap map = map_of({"p", "q"}, {"x", "y", "z"}, 3);
  Generate generate("gradients", 0);
  map.gradient_times_weight = generate.array({3, 2, 3}, {-2, 2});
  for (const int bits : {8, 16}) {
    const std::string page = attention_page({map, map}, {.title = "two layers", .bits = bits});
    CHECK(contains(page, "\"lists\":[[\"p\",\"q\"],[\"x\",\"y\",\"z\"]]"));
    CHECK(contains(
        page, bits == 8 ? "in 8 bits, in steps of 0.0039" : "in 16 bits, in steps of 1.5e-05"));
    const int bytes = bits / 8;
    const double largest = bits == 8 ? 255 : 65535;
    double scale = 0;
    for (const real value : map.gradient_times_weight->values())
      scale = std::max(scale, std::abs(static_cast<double>(value)));
    const auto check = [&](const char* name, const Array& values, auto&& value_of, double step) {
      const std::vector<int> stored = decoded(member(page, name));
      REQUIRE(stored.size() == static_cast<std::size_t>(18 * bytes));
      for (std::size_t i = 0; i < 18; ++i) {
        const int code = bytes == 1 ? stored[i] : stored[2 * i] + 256 * stored[2 * i + 1];
        CHECK(std::abs(value_of(code) - static_cast<double>(values.at(static_cast<Index>(i)))) <=
              0.501 * step);
      }
    };
    check(
        "weights", map.weights, [&](int code) { return code / largest; }, 1 / largest);
    check(
        "gradient", *map.gradient_times_weight,
        [&](int code) { return (2 * code / (largest - 1) - 1) * scale; },
        2 * scale / (largest - 1));
  }
}

TEST_CASE("a page has the entropy of each head, and says what weights do not prove") {
  const AttentionMap map{
      "l", Array({2, 1, 4}, {1, 0, 0, 0, .25, .25, .25, .25}), {"q"}, {"a", "b", "c", "d"}, {}};
  const std::string page = attention_page({map});
  CHECK(contains(page, "\"entropy\":[0,1.38629]"));
  CHECK(contains(page, "Jain and Wallace"));
  CHECK(contains(page, "Wiegreffe and Pinter"));
  CHECK(contains(page, "\"gradient\":null"));
}

TEST_CASE("tokens, names and titles stay text on a page, which needs nothing from elsewhere") {
  AttentionMap map = map_of(hostile, hostile, 1);
  map.name = hostile[0];
  const std::string page = attention_page({map}, {.title = hostile[0]});
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.ends_with("</html>\n"));
  CHECK(count(page, "<script") == 2);  // the data and the program
  CHECK(count(page, "</script") == 2);
  CHECK(count(page, "<title>") == 1);
  CHECK(!contains(page, "alert(1)</h1><script"));
  CHECK(contains(page, "default-src 'none'"));
  for (const char* foreign : {"http:", "https:", "src=\"", "href", "@import", "url(", "eval("})
    CHECK_MESSAGE(!contains(page, foreign), foreign);
  CHECK(!find_invalid_utf8(page));
  CHECK(page.find('\0') == page.npos);
  // Within the data there is no "<" at all.
  const std::size_t begin = page.find("id=\"data\">") + 10;
  const std::string data = page.substr(begin, page.find("</script>", begin) - begin);
  CHECK(!contains(data, "<"));
  CHECK(contains(data, "\\u003c/script>"));
}

TEST_CASE("a page of heads, tokens of any bytes and none is written where FOVEA_PAGE says") {
  std::vector<std::string> tokens = hostile;
  tokens.push_back(std::string(100'000, 'x'));
  const std::string page =
      attention_page({map_of(tokens, tokens, 3), map_of({}, {}, 2), map_of({"one"}, {"one"}, 1)});
  CHECK(!contains(page, "nan"));
  // tests/examples/page_test.sh opens it.
  if (const char* file = std::getenv("FOVEA_PAGE")) write_text(file, page);
}

TEST_CASE("a page of 12 layers of 12 heads of 128 tokens has 2.7 bytes for each weight") {
  std::vector<AttentionMap> layers(12, map_of(numbered(128), numbered(128), 12));
  const std::size_t size = attention_page(layers).size();
  const double weights = 12.0 * 12 * 128 * 128;
  CHECK(static_cast<double>(size) < 2.75 * weights);
  std::printf("figure: bytes of a page / weights, 12 x 12 x 128 = %.3f\n",
              static_cast<double>(size) / weights);
}

TEST_CASE("a map of a batch takes one sample, and cuts off padding") {
  const Array batch({2, 1, 2, 3}, {1, 0, 0, 1, 0, 0, .5, .5, 0, 0, 1, 0});
  const AttentionMap map = attention_map("l", batch, 1, {"p", "q"}, {"x", "y"});
  CHECK(map.weights.shape() == Shape{1, 2, 2});
  CHECK(map.weights.at(0) == real(.5));
  CHECK(map.weights.at(3) == 1);
  CHECK(map.keys == std::vector<std::string>{"x", "y"});
  // One query, as pooling has.
  const AttentionMap pooled =
      attention_map("pool", Array({1, 3}, {.5, .5, 0}), 0, {"context"}, {"x", "y"});
  CHECK(pooled.weights.shape() == Shape{1, 1, 2});
  // Both sides alike.
  CHECK(attention_map("self", Array({1, 3, 3}, {1, 0, 0, 1, 0, 0, 0, 0, 0}), 0, {"a", "b"})
            .weights.shape() == Shape{1, 2, 2});
}

TEST_CASE("a map has the weights of its sample, head by head and row by row, of any batch") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate generate("attention maps", trial);
    CAPTURE(trial);
    const Shape shape{generate.integer(1, 3), generate.integer(1, 3), generate.integer(1, 6),
                      generate.integer(1, 6)};
    const Array batch = weights_like(generate, shape);
    const Index sample = generate.integer(0, shape[0] - 1), rows = generate.integer(0, shape[2]),
                columns = generate.integer(0, shape[3]);
    const Array got = attention_map("l", batch, sample, numbered(rows), numbered(columns)).weights;
    REQUIRE(got.shape() == Shape{shape[1], rows, columns});
    for (Index at = 0; at < got.count(); ++at) {
      const Index head = at / (rows * columns), i = at / columns % rows, j = at % columns;
      CHECK(got.at(at) == batch.at(((sample * shape[1] + head) * shape[2] + i) * shape[3] + j));
    }
  }
}

TEST_CASE(
    "a token on a terminal or in XML harms neither, and its width is that of its characters") {
  using viz::columns_of;
  using viz::cut_to;
  using viz::shown_token;
  CHECK(shown_token("a\x1b[2J\x7f") == "a\xE2\x90\x9B[2J\xEF\xBF\xBD");
  CHECK(shown_token("") == "\xE2\x88\x85");
  CHECK(shown_token("  ") == "\xE2\x90\xA3\xE2\x90\xA3");
  CHECK(shown_token(" a") == " a");
  CHECK(shown_token("\xC2\x85\xEF\xBF\xBF\xE2\x80\xAE") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(columns_of("abc") == 3);
  CHECK(columns_of("\xE6\xB3\xA8\xE6\x84\x8F") == 4);          // two ideographs
  CHECK(columns_of("e\xCC\x81") == 1);                         // an accent of its own
  CHECK(columns_of("\xF0\x9F\xA6\x8A") == 2);                  // a fox
  CHECK(columns_of("\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D") == 4);  // Hebrew
  CHECK(cut_to("abcdef", 6) == "abcdef");
  CHECK(cut_to("abcdefg", 6) == "abcde\xE2\x80\xA6");
  CHECK(cut_to("\xE6\xB3\xA8\xE6\x84\x8F\xE5\x8A\x9B", 4) == "\xE6\xB3\xA8\xE2\x80\xA6");
  CHECK(cut_to("abc", 1) == "\xE2\x80\xA6");
}

namespace {

const std::vector<ShadedText> folder_and_walk = {
    {"noun.person",
     {"a", "person", "who", "folds", "paper"},
     {real(0.05), real(0.5), real(0.05), real(0.25), real(0.15)}},
    {"predicted noun.location, is noun.act", {"a", "walk"}, {real(0.25), real(0.75)}},
};

std::string without_colours(std::string text) {
  for (std::size_t at = text.find('\x1b'); at != text.npos; at = text.find('\x1b'))
    text.erase(at, text.find('m', at) - at + 1);
  return text;
}

}  // namespace

TEST_CASE("without colour the three largest weights of a text follow their words in percent") {
  CHECK(attention_text(folder_and_walk, {.colour = false}) ==
        "noun.person  a person(50%) who folds(25%) paper(15%)\n"
        "predicted noun.location, is noun.act\n             a(25%) walk(75%)\n"
        "(n%): the three largest weights of each text\n");
  const ShadedText equal = {"c", {"p", "q", "r", "s"}, {.25, .25, .25, .25}};
  const ShadedText zeros = {"", {"p", "q"}, {0, 0}};
  const std::string own_line = attention_text(
      std::vector{ShadedText{std::string(50, 'l'), {"p"}, {1}}, ShadedText{"c", {"q"}, {1}}},
      {.colour = false, .legend = false});
  CHECK(own_line == std::string(50, 'l') + "\n   p(100%)\nc  q(100%)\n");
  const AttentionTextOptions plain{.colour = false, .legend = false};
  CHECK(attention_text(std::vector{equal}, plain) == "c  p(25%) q(25%) r(25%) s\n");
  CHECK(attention_text(std::vector{zeros}, plain) == "p q\n");
  CHECK(attention_text(std::vector{ShadedText{"c", {}, {}}}, plain) == "c\n");
  CHECK(attention_text({}) == "");
}

TEST_CASE("in colour the background is the stronger the larger the weight is beside the largest") {
  const ShadedText text = {"c", {"p", "q", "r", "s"}, {real(.8), real(.4), real(.12), real(.14)}};
  const std::string shaded = attention_text(std::vector{text}, {.legend = false});
  CHECK(shaded ==
        "c  \x1b[38;5;16;48;5;208mp\x1b[0m \x1b[38;5;16;48;5;221mq\x1b[0m r "
        "\x1b[38;5;16;48;5;230ms\x1b[0m\n");
  const std::string all = without_colours(attention_text(std::vector{text}));
  CHECK(all ==
        "c  p q r s\nweight beside the largest of the text:  17%+   34%+   50%+   67%+   84%+ \n");
}

TEST_CASE("no line is wider than asked for, whatever the words and the width are") {
  Index lines = 0;
  for (Index trial = 0; trial < 60; ++trial) {
    Generate generate("shaded words", trial);
    CAPTURE(trial);
    const Index width = trial < 5 ? 80 : generate.integer(20, 100);
    std::vector<ShadedText> texts(static_cast<std::size_t>(generate.integer(1, 3)));
    for (ShadedText& text : texts) {
      text.label = generate.chance(0.3)
                       ? ""
                       : std::string(static_cast<std::size_t>(generate.integer(0, 60)), 'l');
      for (Index words = generate.integer(0, 30); words > 0; --words) {
        const auto of =
            static_cast<std::size_t>(generate.integer(0, static_cast<Index>(hostile.size()) - 1));
        text.words.push_back(
            generate.chance(0.3) ? hostile[of]
            : generate.chance(0.5)
                ? "\xE6\xB3\xA8\xE6\x84\x8F"
                : std::string(static_cast<std::size_t>(generate.integer(1, 40)), 'w'));
        text.weights.push_back(static_cast<real>(generate.uniform(0, 1)));
      }
    }
    for (const bool colour : {false, true}) {
      const std::string shown =
          without_colours(attention_text(texts, {.colour = colour, .width = width}));
      for (std::size_t at = 0; at < shown.size(); ++lines) {
        const std::size_t end = shown.find('\n', at);
        REQUIRE(end != shown.npos);
        CHECK(viz::columns_of(shown.substr(at, end - at)) <= width);
        at = end + 1;
      }
      CHECK(std::ranges::none_of(shown, [](char c) { return c >= 0 && c < ' ' && c != '\n'; }));
    }
  }
  std::printf("figure: lines of shaded words measured = %lld\n", static_cast<long long>(lines));
}
