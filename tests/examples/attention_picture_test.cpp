// Pictures of attention weights: what a terminal gets, and an SVG document that any reader of XML
// accepts.
#include "support/attention_picture.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "fovea/base/error.hpp"
#include "support/xml.hpp"

namespace {

using namespace examples;
using support::well_formed;

const std::vector<AttentionSample> folder_and_walk = {
    {{"a", "person", "who", "folds", "paper"},
     {0.05f, 0.5f, 0.05f, 0.25f, 0.15f},
     "noun.person",
     "noun.person"},
    {{"a", "walk"}, {0.25f, 0.75f}, "noun.location", "noun.act"},
};

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("the label of a text is the predicted class, with the actual one where that differs") {
  const std::vector<fovea::ShadedText> texts = shaded_texts(folder_and_walk);
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].label == "noun.person");
  CHECK(texts[1].label == "predicted noun.location, is noun.act");
  CHECK(texts[1].words == folder_and_walk[1].words);
  CHECK(texts[1].weights == folder_and_walk[1].weights);
}

TEST_CASE("weights that are too few, negative or not finite are rejected") {
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  const auto check = [](const AttentionSample& sample, const char* message) {
    CHECK_THROWS_WITH_AS(attention_svg(std::vector{sample}, "t"), message, fovea::ValueError);
  };
  check({{"a", "b"}, {1}, "c", "c"}, "attention picture: 2 words, but 1 weights");
  check({{"a", "b"}, {1, -1}, "c", "c"},
        "attention picture: the weight of word 1 is -1; it must be finite and at least 0");
  check({{"a"}, {infinity}, "c", "c"},
        "attention picture: the weight of word 0 is inf; it must be finite and at least 0");
  check({{"a"}, {nan}, "c", "c"},
        "attention picture: the weight of word 0 is nan; it must be finite and at least 0");
}

TEST_CASE("the SVG is well-formed, has its title, a line per sample, and a rectangle per word") {
  const std::string svg = attention_svg(folder_and_walk, "Where the model looked");
  CHECK(well_formed(svg));
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  CHECK(occurrences(svg, "<title>Where the model looked</title>") == 1);
  CHECK(occurrences(svg, "class=\"weight\"") == 7);
  CHECK(occurrences(svg, ">person</text>") == 1);
  CHECK(occurrences(svg, "class=\"wrong\"") == 1);
  CHECK(occurrences(svg, ">predicted noun.location, is noun.act</text>") == 1);
  CHECK(occurrences(svg, "prefers-color-scheme:dark") == 1);
  CHECK(well_formed(attention_svg({}, "")));
}

TEST_CASE("a rectangle's opacity is the word's weight divided by the line's largest") {
  const std::string svg = attention_svg(folder_and_walk, "t");
  CHECK(occurrences(svg, "fill-opacity=\"1.000\"") == 2);  // person, walk
  CHECK(occurrences(svg, "fill-opacity=\"0.100\"") == 2);  // a, who
  CHECK(occurrences(svg, "fill-opacity=\"0.500\"") == 1);  // folds
  CHECK(occurrences(svg, "fill-opacity=\"0.333\"") == 1);  // a of the second line
  CHECK(occurrences(svg, "<title>50.0 %</title>") == 1);
}

TEST_CASE("the picture is as wide as its widest line, and as high as its lines") {
  // 12 margin, 11 + 2 glyphs of 8.4 for the labels, 5 words of 20 glyphs with 8 pixels each, 12
  // margin; 12 + 26 (1 + lines) + 12
  const AttentionSample wide = {
      {"aaaa", "bbbb", "cccc", "dddd", "eeee"}, {1, 1, 1, 1, 1}, "noun.animal", "noun.animal"};
  CHECK(attention_svg(std::vector{wide}, "t").find("viewBox=\"0 0 342 76\"") != std::string::npos);
  CHECK(attention_svg(std::vector{wide, wide}, "t").find("viewBox=\"0 0 342 102\"") !=
        std::string::npos);
}

TEST_CASE(
    "what XML reserves is escaped in words, classes and the title, and no byte makes the document "
    "unreadable") {
  const AttentionSample sample = {
      {"<b>", "R&D", "\"q\"", "]]>", "\xc3\xa9", "\x01"}, {1, 1, 1, 1, 1, 1}, "<&>", "\""};
  const std::string svg = attention_svg(std::vector{sample}, "a < b && \"c\" > d\n");
  CHECK(well_formed(svg));
  CHECK(svg.find(">&lt;b&gt;</text>") != svg.npos);
  CHECK(svg.find(">R&amp;D</text>") != svg.npos);
  CHECK(svg.find(">]]&gt;</text>") != svg.npos);
  CHECK(svg.find(">predicted &lt;&amp;&gt;, is &quot;</text>") != svg.npos);
  CHECK(svg.find("<title>a &lt; b &amp;&amp; &quot;c&quot; &gt; d?</title>") != svg.npos);
  CHECK(svg.find(">\?\?</text>") != svg.npos);
}
