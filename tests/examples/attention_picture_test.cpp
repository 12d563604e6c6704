// Pictures of attention weights: what a terminal gets, and an SVG document that any reader of XML
// accepts.
#include "support/attention_picture.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

#include "fovea/io/error.hpp"
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

TEST_CASE("without colour the three largest weights of a line follow their words in percent") {
  CHECK(attention_text(folder_and_walk, false) ==
        "noun.person                           a person(50%) who folds(25%) paper(15%)\n"
        "predicted noun.location, is noun.act  a(25%) walk(75%)\n");
}

TEST_CASE("of equal weights the first are named, and a weight of zero never is") {
  const AttentionSample equal = {{"p", "q", "r", "s"}, {0.25f, 0.25f, 0.25f, 0.25f}, "c", "c"};
  const AttentionSample zeros = {{"p", "q"}, {0, 0}, "c", "c"};
  const AttentionSample one = {{"p", "q"}, {0, 1}, "c", "c"};
  const AttentionSample none = {{}, {}, "c", "d"};
  CHECK(attention_text(std::vector{equal}, false) == "c  p(25%) q(25%) r(25%) s\n");
  CHECK(attention_text(std::vector{zeros}, false) == "c  p q\n");
  CHECK(attention_text(std::vector{one}, false) == "c  p q(100%)\n");
  CHECK(attention_text(std::vector{none}, false) == "predicted c, is d \n");
  CHECK(attention_text({}, false) == "");
}

TEST_CASE(
    "in colour a word's background grows with its weight, and every colour is reset before the "
    "next word") {
  const AttentionSample sample = {{"a", "b", "c", "d"}, {0, 0.2f, 0.1f, 0.4f}, "k", "k"};
  CHECK(attention_text(std::vector{sample}, true) ==
        "k  a \x1b[38;5;16;48;5;221mb\x1b[0m \x1b[38;5;16;48;5;230mc\x1b[0m "
        "\x1b[38;5;16;48;5;208md\x1b[0m\n");
  const AttentionSample zeros = {{"p", "q"}, {0, 0}, "c", "c"};
  CHECK(attention_text(std::vector{zeros}, true) == "c  p q\n");
}

TEST_CASE("no byte of a text can steer the terminal") {
  const AttentionSample sample = {{"\x1b[2J", "a\nb",
                                   "\x9b"
                                   "31m",
                                   std::string(1, '\0')},
                                  {1, 0, 0, 0},
                                  "\x07",
                                  "\x7f"};
  CHECK(attention_text(std::vector{sample}, false) == "predicted ?, is ?  ?[2J(100%) a?b ?31m ?\n");
}

TEST_CASE(
    "weights that are too few, negative or not finite are refused, in both kinds of picture") {
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  const auto check = [](const AttentionSample& sample, const char* message) {
    CHECK_THROWS_WITH_AS(attention_text(std::vector{sample}, true), message, fovea::ValueError);
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

TEST_CASE("a written file holds the text, over what was there") {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("fovea-picture-{}.svg", ::getpid());
  write_text(path, "a longer text that was there before");
  write_text(path, "<svg/>\n");
  std::ifstream file(path, std::ios::binary);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "<svg/>\n");
  std::filesystem::remove(path);
}

TEST_CASE(
    "a file that cannot be created, or not to its last byte, is an error of the operating system") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  CHECK_THROWS_WITH_AS(write_text(folder / "no such folder" / "a.svg", "x"),
                       ((folder / "no such folder" / "a.svg").string() +
                        ": cannot create: No such file or directory")
                           .c_str(),
                       fovea::IoError);
  CHECK_THROWS_AS(write_text(folder, "x"), fovea::IoError);
  if (std::filesystem::exists(
          "/dev/full"))  // takes everything into the buffer, and refuses when it is flushed
    CHECK_THROWS_WITH_AS(write_text("/dev/full", "x"),
                         "/dev/full: cannot write: No space left on device", fovea::IoError);
}
