#include "train/summary_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "fovea/base/error.hpp"

namespace train = fovea::train;
using fovea::Index;
using Rows = std::vector<train::SummaryRow>;

namespace {

std::vector<std::string> table_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with("Model: ") && line.find(" params: ") == std::string::npos)
      lines.push_back(line);
  return lines;
}

Index code_points(const std::string& text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

// A table's text after its head, up to the totals.
std::string body(const Rows& rows, Index width) {
  const std::string text = train::summary_table("m", rows, {}, width);
  const std::size_t begin = text.find("\n", text.find("┡")) + 1;
  return text.substr(begin, text.find("└") - begin);
}

std::string totals(const train::SummaryTotals& counts) {
  const std::string text = train::summary_table("m", {}, counts);
  return text.substr(text.find(" Total"));
}

}  // namespace

TEST_CASE("a model of three layers, word for word") {
  const Rows rows = {{"embedding", "Embedding", "(None, 128, 128)", 1280000},
                     {"attention_layer", "AttentionLayer", "(None, 128)", 16577},
                     {"dense", "Dense", "(None, 10)", 1290}};
  CHECK(
      train::summary_table("sequential", rows, {.trainable = 1297867, .bytes_per_parameter = 4}) ==
      R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                         ┃ Output Shape                ┃         Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
│ embedding (Embedding)                │ (None, 128, 128)            │       1,280,000 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ attention_layer (AttentionLayer)     │ (None, 128)                 │          16,577 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ dense (Dense)                        │ (None, 10)                  │           1,290 │
└──────────────────────────────────────┴─────────────────────────────┴─────────────────┘
 Total params: 1,297,867 (4.95 MB)
 Trainable params: 1,297,867 (4.95 MB)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST_CASE("at the width of a terminal of 80 columns, 76, the columns are those of Keras") {
  CHECK(body({{"dense", "Dense", "?", 0}}, 76) ==
        "│ dense (Dense)                   │ ?                      │             0 │\n");
}

TEST_CASE("a model without layers has a table of a head alone") {
  CHECK(train::summary_table("empty", {}, {}, 40) == R"(Model: "empty"
┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃                 ┃ Output     ┃ Param ┃
┃ Layer (type)    ┃ Shape      ┃     # ┃
┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
└─────────────────┴────────────┴───────┘
 Total params: 0 (0.00 B)
 Trainable params: 0 (0.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST_CASE("the optimiser's numbers have a line of their own, and the total counts them") {
  CHECK(
      totals(
          {.trainable = 1290, .non_trainable = 10, .optimizer = 2582, .bytes_per_parameter = 4}) ==
      " Total params: 3,882 (15.16 KB)\n"
      " Trainable params: 1,290 (5.04 KB)\n"
      " Non-trainable params: 10 (40.00 B)\n"
      " Optimizer params: 2,582 (10.09 KB)\n");
}

TEST_CASE("memory counts the bytes that a parameter has") {
  CHECK(totals({.trainable = 1024, .bytes_per_parameter = 4})
            .starts_with(" Total params: 1,024 (4.00 KB)\n"));
  CHECK(totals({.trainable = 1024, .bytes_per_parameter = 8})
            .starts_with(" Total params: 1,024 (8.00 KB)\n"));
  CHECK(train::SummaryTotals{}.bytes_per_parameter == Index(sizeof(fovea::real)));
}

TEST_CASE("thousands are parted by commas") {
  CHECK(train::with_commas(0) == "0");
  CHECK(train::with_commas(999) == "999");
  CHECK(train::with_commas(1000) == "1,000");
  CHECK(train::with_commas(99999) == "99,999");
  CHECK(train::with_commas(100000) == "100,000");
  CHECK(train::with_commas(1234567) == "1,234,567");
  CHECK(train::with_commas(9223372036854775807) == "9,223,372,036,854,775,807");
  CHECK(train::with_commas(-100) == "-100");
  CHECK(train::with_commas(-1000) == "-1,000");
}

TEST_CASE("memory is given in the largest unit that leaves at least one") {
  CHECK(train::memory_size(0) == "0.00 B");
  CHECK(train::memory_size(1023) == "1023.00 B");
  CHECK(train::memory_size(1024) == "1.00 KB");
  CHECK(train::memory_size(5191468) == "4.95 MB");
  CHECK(train::memory_size(0x1p20 - 1) == "1024.00 KB");  // 1023.999 KB, rounded
  CHECK(train::memory_size(0x1p20) == "1.00 MB");
  CHECK(train::memory_size(0x1p30) == "1.00 GB");
  CHECK(train::memory_size(0x1.8p40) == "1.50 TB");
  CHECK(train::memory_size(0x1p50) == "1.00 PB");
  CHECK(train::memory_size(0x1p60) == "1024.00 PB");
}

TEST_CASE("a long name is wrapped before its type, a long shape between its sizes") {
  CHECK(
      body({{"attention_layer_with_a_long_name", "AttentionLayer",
             "(None, 10, 20000, 30000, 4000, 99)", 16577}},
           88) ==
      "│ attention_layer_with_a_long_name     │ (None, 10, 20000, 30000,    │          16,577 │\n"
      "│ (AttentionLayer)                     │ 4000, 99)                   │                 │\n");
}

TEST_CASE(
    "a word longer than its column is cut with an ellipsis, one of the column's width is not") {
  const std::string exact(36, 'a');
  CHECK(body({{exact, "Dense", "?", 1}}, 88) ==
        "│ " + exact +
            " │ ?                           │               1 │\n"
            "│ (Dense)                              │                             │                "
            " │\n");
  CHECK(body({{exact + "a", "Dense", "?", 123456789012345678}}, 88) ==
        "│ " + exact.substr(1) +
            "… │ ?                           │ 123,456,789,01… │\n"
            "│ (Dense)                              │                             │                "
            " │\n");
}

TEST_CASE("a narrow table wraps and cuts as Keras does") {
  const Rows rows = {{"embedding", "Embedding", "(None, 30, 128)", 1280000}, {"a  b", "C", "", 7}};
  CHECK(train::summary_table("m", rows, {}, 24).starts_with(R"(Model: "m"
┏━━━━━━━━━┳━━━━━━━┳━━━━┓
┃ Layer   ┃ Outp… ┃ P… ┃
┃ (type)  ┃ Shape ┃  # ┃
┡━━━━━━━━━╇━━━━━━━╇━━━━┩
│ embedd… │ (Non… │ 1… │
│ (Embed… │ 30,   │    │
│         │ 128)  │    │
├─────────┼───────┼────┤
│ a  b    │       │  7 │
│ (C)     │       │    │
└─────────┴───────┴────┘
)"));
}

TEST_CASE("columns line up for any name and any width") {
  const Rows rows = {
      {"größe", "Dichte", "(None, 10)", 5},
      {"注意注意注意注意注意注意注意注意注意注意注意注意注意", "層", "(None, 128)", 99999999},
      {"", "", "", 0},
      {"   ", "\t", "\n", 1},
      {"line\nbreak\r\x1b[31m", "T\x7f", "?", 1},
      {"\xff\x80\x80 torn \xc3", "\x80", "\xc3", 1},
      {"👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁👁"
       "👁👁👁👁👁👁👁",
       "Fovea", "(None, 1, 1, 1, 1, 1, 1, 1, 1)", 1}};
  for (Index width = 16; width <= 130; ++width) {
    CAPTURE(width);
    const auto lines = table_lines(train::summary_table("m", rows, {}, width));
    CHECK(lines.size() >= 4 + 2 * rows.size() - 1);
    CHECK(std::ranges::all_of(lines,
                              [=](const std::string& line) { return code_points(line) == width; }));
  }
}

TEST_CASE("letters beyond ASCII are cut whole and count as one") {
  CHECK(body({{"ääääääää", "Ö", "?", 1}}, 24) ==
        "│ ääääää… │ ?     │  1 │\n"
        "│ (Ö)     │       │    │\n");
}

TEST_CASE("what would tear the table is shown as a blank") {
  CHECK(
      body({{"a\nb\x1b[1m", "T", "?", 1}}, 88) ==
      "│ a b [1m (T)                          │ ?                           │               1 │\n");
  CHECK(train::summary_table("a\nb", {}, {}).starts_with("Model: \"a b\"\n"));
}

TEST_CASE("the narrowest table has 16 columns") {
  CHECK(body({{"dense", "Dense", "(1)", 12}}, 16) ==
        "│ den… │ … │ … │\n"
        "│ (De… │   │   │\n");
  CHECK_THROWS_WITH_AS(train::summary_table("m", {}, {}, 15),
                       "summary: the width is 15; it must be 16 to 1000", fovea::ValueError);
}
