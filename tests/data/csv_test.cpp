// CSV files: what RFC 4180 says, numbers against the C library, and what is refused.
#include "fovea/data/csv.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <locale.h>
#include <stdlib.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "fovea/io/error.hpp"
#include "fovea/parallel/threads.hpp"
#include "fuzz/mutator.hpp"
#include "support/folder.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

using Texts = std::vector<std::string>;

std::string told(const std::string& text, const CsvOptions& options = {}) {
  return refusal<FormatError>([&] { CsvFile::from_text(text, options, "t.csv"); });
}

// As RFC 4180 writes it; quoted where it must be, and now and then where it may.
std::string quoted(const std::string& text, support::Generate& draw) {
  if (text.find_first_of(",\"\r\n") == std::string::npos && !text.empty() && draw.chance(0.7))
    return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

real c_library(const std::string& text) {
  static const locale_t c = ::newlocale(LC_ALL_MASK, "C", nullptr);
  if constexpr (sizeof(real) == 4)
    return static_cast<real>(::strtof_l(text.c_str(), nullptr, c));
  else
    return static_cast<real>(::strtod_l(text.c_str(), nullptr, c));
}

}  // namespace

TEST_CASE("tables of any texts come back as they were written") {
  for (Index trial = 0; trial < 200; ++trial) {
    support::Generate draw("csv_round_trip", trial);
    const auto columns = static_cast<std::size_t>(draw.integer(1, 5));
    const auto rows = static_cast<std::size_t>(draw.integer(0, 20));
    const Texts pieces = {"a", "b,c", "\"", "\n", "\r\n", " ", "é", "12", "\"\"", "x\ny"};
    std::vector<Texts> table(columns);
    std::string text = draw.chance(0.3) ? "\xEF\xBB\xBF" : "";
    const std::string end = draw.chance(0.5) ? "\n" : "\r\n";
    for (std::size_t row = 0; row <= rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        std::string field = row == 0 ? fmt::format("name {}", column) : "";
        for (Index i = draw.integer(0, 3); i > 0; --i)
          field += pieces[static_cast<std::size_t>(draw.integer(0, 9))];
        table[column].push_back(field);
        text += (column > 0 ? "," : "") + quoted(field, draw);
      }
      if (row < rows || draw.chance(0.5)) text += end;
      if (draw.chance(0.1) && row < rows) text += end;  // an empty line
    }
    CAPTURE(text);
    const CsvFile file = CsvFile::from_text(text);
    REQUIRE(file.names().size() == columns);
    CHECK(file.rows() == static_cast<Index>(rows));
    for (std::size_t column = 0; column < columns; ++column) {
      CHECK(file.names()[column] == table[column][0]);
      CHECK(file.texts(file.names()[column]) ==
            Texts(table[column].begin() + 1, table[column].end()));
    }
  }
}

TEST_CASE("numbers are rounded as the C library rounds them, bit for bit") {
  Index agree = 0, count = 0;
  std::string text = "x\n";
  Texts written;
  support::Generate draw("csv_numbers", 0);
  for (Index i = 0; i < 40000; ++i) {
    std::string field;
    if (draw.chance(0.3)) {
      const double any = std::bit_cast<double>(draw.bits());
      if (!std::isfinite(any) || std::abs(any) > 1e38) continue;
      field = fmt::format("{}", any);
    } else {
      for (Index k = draw.integer(1, 30); k > 0; --k)
        field += static_cast<char>('0' + draw.integer(0, 9));
      if (draw.chance(0.8))
        field.insert(static_cast<std::size_t>(draw.integer(0, static_cast<Index>(field.size()))),
                     ".");
      if (draw.chance(0.5))
        field += draw.chance(0.5)
                     ? fmt::format("{}{}", draw.chance(0.5) ? "e" : "E+", draw.integer(0, 5))
                     : fmt::format("{}{:02}", draw.chance(0.7) ? "e-" : "E+", draw.integer(0, 8));
      if (draw.chance(0.3)) field += field.find_first_of("eE") == std::string::npos ? "e-40" : "";
      if (draw.chance(0.3)) field.insert(0, "-");
    }
    written.push_back(field);
    text += draw.chance(0.2) ? "\" " + field + "\"\n" : " " + field + " \n";
  }
  const CsvFile file = CsvFile::from_text(text);
  const Array numbers = file.numbers("x");
  REQUIRE(numbers.count() == static_cast<Index>(written.size()));
  for (const std::string& field : written) {
    const real expected = c_library(field), ours = numbers.at(count++);
    const bool small = std::abs(expected) < std::numeric_limits<real>::min();
    const bool same =
        std::signbit(ours) == std::signbit(expected) && (ours == expected || (small && ours == 0));
    CHECK_MESSAGE(same, field);
    agree += same;
  }
  std::printf("figure: CSV numbers rounded as the C library = %lld of %lld\n",
              static_cast<long long>(agree), static_cast<long long>(count));
}

TEST_CASE("numbers beside the middle of two reals are rounded once") {
  for (const char* field :
       {"16777217", "16777217.00000000001", "16777216.99999999999", "16777219.00000000001",
        "16777218.99999999999", "-16777217.00000000001", "9007199254740993", "9007199254740993.001",
        "900719925474099.3000", "0.50000002980232238769", "1.4999999999999999",
        // 2^64 in front of the point, where 64 bits are all zeros again, and many zeros around it.
        "18446744073709551616", "18446744073709551616.5", "18446744073709551616.000000000000000001",
        "0000000000000000000000001.5", "0.00000001234567890123456789",
        "0.000000000123456789012345678", "12345678.12345678", "0.12345678e-05", "123456789e-05",
        "1e+22", "1e+23", "3e+38", "1e-22", "1e-23", "1234567890123456789e+05", "1.", ".1", "0.",
        "00", "1.e-05", ".5E+03",
        // 19 digits and more before and behind the point, in groups of eight.
        "1.999999999999999999", "9.9999999999999999999", ".999999999999999999999999",
        "0.000099999999999999999999", "9999999.999999999999", "0000001.234567890123456789",
        "1.23456789012345678e-05", "-0.12345678901234567"}) {
    CAPTURE(field);
    CHECK(CsvFile::from_text("x\n" + std::string(field)).numbers("x").at(0) == c_library(field));
  }
}

TEST_CASE("what is too small is 0, what is too large is refused") {
  const auto value = [](const std::string& field) {
    return CsvFile::from_text("x\n" + field).numbers("x").at(0);
  };
  for (const char* small : {"1e-400", "-1e-400", "0.0000000001e-395", "1e-99999999999999999999"})
    CHECK(value(small) == 0);
  CHECK(value("0." + std::string(400, '0') + "1") == 0);
  CHECK(value("0e99999") == 0);
  CHECK(value("inf") == std::numeric_limits<real>::infinity());
  CHECK(value("-Infinity") == -std::numeric_limits<real>::infinity());
  CHECK(value("+1.5") == real(1.5));
  CHECK(value(".5") == real(0.5));
  CHECK(value("5.") == 5);
  for (const std::string large : {"1e400", "-1e400", "1e99999999999999999999"})
    CHECK_THROWS_AS(value(large), FormatError);
  CHECK_THROWS_AS(value("1" + std::string(400, '0')), FormatError);
  for (const char* none :
       {"1,5", "0x10", "1e", "e5", "1e-0x", "1exx5", "1e+5.", "12345.e1e-05", ".", ".e-05", "--1",
        "+-1", "-", "1 2", "1.2.3", "nan(1)", "one", "1_000"})
    CHECK_THROWS_AS(value("\"" + std::string(none) + "\""), FormatError);
  // A wrong byte among digits, wherever it stands.
  for (const std::string number :
       {"12", "1234567", "123.4567", "1234567890123", "1.2345678901234567", "1234567.890123",
        "1.23456789012345678e-05"})
    for (std::size_t at = 0; at < number.size(); ++at)
      for (const char wrong : {'/', ':', '?', 'p', 'P', '\x7f', '_', '*', '\x10'}) {
        std::string text = number;
        text[at] = wrong;
        CAPTURE(text);
        if (number[at] != 'e') CHECK_THROWS_AS(value(text), FormatError);
      }
}

TEST_CASE("a missing number is refused, or NaN") {
  const std::string text = "a,b\n1,2\nNA,\n";
  const CsvFile strict = CsvFile::from_text(text);
  CHECK(refusal<FormatError>([&] { static_cast<void>(strict.numbers("a")); }) ==
        "CsvFile: at byte 8: line 3, column \"a\": expected a number (set missing_numbers to "
        "MissingNumbers::nan to have NaN), got \"NA\"");
  const CsvFile lenient = CsvFile::from_text(text, {.missing_numbers = MissingNumbers::nan});
  const Array both = lenient.numbers({"b", "a"});
  CHECK(both.shape() == Shape{2, 2});
  CHECK(both.at(0) == 2);
  CHECK(both.at(1) == 1);
  CHECK(std::isnan(both.at(2)));
  CHECK(std::isnan(both.at(3)));
  CHECK_THROWS_AS(lenient.integers("a"), FormatError);
  const CsvFile own = CsvFile::from_text(
      "a\n-999\n1\n", {.missing_numbers = MissingNumbers::nan, .missing = {"x"}});
  CHECK(own.numbers("a").at(0) == -999);
}

TEST_CASE("whole numbers and categories become ids") {
  const CsvFile file = CsvFile::from_text("n;c\n2147483647;'red'\n -5 ;blue\n+7;red\n",
                                          {.delimiter = ';', .quote = '\''});
  CHECK(file.integers("n").at(0) == 2147483647);
  CHECK(file.integers("n").at(1) == -5);
  CHECK(file.integers("n").at(2) == 7);
  CHECK(file.distinct("c") == Texts{"blue", "red"});
  const Ids ids = file.categories("c", file.distinct("c"));
  CHECK(std::vector<std::int32_t>{ids.at(0), ids.at(1), ids.at(2)} ==
        std::vector<std::int32_t>{1, 0, 1});
  CHECK(refusal<FormatError>([&] { static_cast<void>(file.categories("c", Texts{"red"})); }) ==
        "CsvFile: at byte 26: line 3, column \"c\": expected one of the 1 texts of the vocabulary, "
        "got \"blue\"");
  CHECK_THROWS_AS(static_cast<void>(file.categories("c", Texts{"red", "red"})), ValueError);
  for (const char* wrong : {"2147483648", "1.0", "", "+-1", "1e3"})
    CHECK_THROWS_AS(CsvFile::from_text("n,m\n" + std::string(wrong) + ",1").integers("n"),
                    FormatError);
}

TEST_CASE("without a header columns are numbered, and every line is a row") {
  const CsvFile file = CsvFile::from_text("1\t2\n3\t4", {.delimiter = '\t', .header = false});
  CHECK(file.names() == Texts{"0", "1"});
  CHECK(file.rows() == 2);
  CHECK(file.numbers("1").at(1) == 4);
  CHECK(CsvFile::from_text("5' 3\"\n", {.quote = '\0', .header = false}).texts("0") ==
        Texts{"5' 3\""});
}

TEST_CASE("what breaks the format is refused with line and byte") {
  CHECK(told("") == "t.csv: at byte 0: expected a line of names, got no line");
  CHECK(told("\n\r\n\n") == "t.csv: at byte 4: expected a line of names, got no line");
  CHECK(told("a,b\n1,2\n\n3\n") ==
        "t.csv: at byte 9: line 4: expected 2 fields, as in the first line, got 1");
  CHECK(told("a,b\n1,2,3\n") ==
        "t.csv: at byte 4: line 2: expected 2 fields, as in the first line, got 3");
  CHECK(told("a\n\"x\ny") == "t.csv: at byte 2: line 2: a quote that is never closed");
  CHECK(told("a\n\"") == "t.csv: at byte 2: line 2: a quote that is never closed");
  CHECK(told("a\n\"x\"y\n") ==
        "t.csv: at byte 5: line 2: expected a delimiter or the end of the "
        "line behind a closing quote");
  CHECK(told("a\n5\" wide\n") ==
        "t.csv: at byte 3: line 2: a quote within a field that does not begin with one; put quotes "
        "around the field and double those in it, or set quote to '\\0'");
  CHECK(told("a\rb\r") == "t.csv: at byte 1: line 1: a carriage return that no line feed follows");
  CHECK(told(std::string("a\0\n\0", 4)) ==
        "t.csv: at byte 1: line 1: a NUL; convert the file to UTF-8");
  CHECK(told("a\ncaf\xe9\n") ==
        "t.csv: at byte 5: line 2: no valid UTF-8; convert the file to UTF-8");
  // Whatever stands behind it, and beside megabytes that are in order.
  const std::string fine = "a\n" + std::string(3 << 20, '1') + "\n";
  CHECK(told("a\n\xe9" + fine).starts_with("t.csv: at byte 2: line 2: no valid UTF-8"));
  CHECK(told("a\n" + std::string(1, '\0') + fine).starts_with("t.csv: at byte 2: line 2: a NUL"));
  CHECK(told(fine + "\xe9").starts_with("t.csv: at byte 3145731: line 3: no valid UTF-8"));
  CHECK(told("a,b,a\n") ==
        "t.csv: at byte 4: columns 1 and 3 are both called \"a\"; give each a "
        "name of its own");
  CHECK(refusal<IndexError>([] { static_cast<void>(CsvFile::from_text("a,b\n").numbers("c")); }) ==
        "CsvFile: expected the name of a column, got \"c\"; the columns are a, b");
  CHECK(refusal<ValueError>([] {
          CsvFile::from_text("a", {.delimiter = '"'});
        }).starts_with("CsvFile: quote: "));
  CHECK(refusal<ValueError>([] {
          CsvFile::from_text("a", {.delimiter = '\n'});
        }).starts_with("CsvFile: delimiter: "));
}

TEST_CASE("files are read, up to the limit") {
  const support::Folder folder;
  std::FILE* const out = std::fopen((folder / "t.csv").c_str(), "wb");
  std::fputs("a\n1\n", out);
  std::fclose(out);
  CHECK(CsvFile(folder / "t.csv").numbers("a").at(0) == 1);
  CHECK(refusal<ValueError>([&] { CsvFile(folder / "t.csv", {.largest_file = 3}); }) ==
        folder / "t.csv" + ": expected at most 3 bytes, got 4; raise largest_file");
  CHECK_THROWS_AS(CsvFile(folder / "none.csv"), IoError);
  CHECK_THROWS_AS(CsvFile(folder / ""), IoError);
}

TEST_CASE("files of several megabytes are read piece by piece, whatever their quotes hold") {
  const Index before = threads();
  for (Index trial = 0; trial < 4; ++trial) {
    support::Generate draw("csv_pieces", trial);
    Texts written;
    std::string text = "number,text\n";
    while (text.size() < 5 << 20) {
      // Long texts, so that the cuts of pieces lie within quotes, and among empty lines.
      const auto length = static_cast<std::size_t>(draw.integer(0, trial < 2 ? 30 : 300000));
      std::string field(length, trial % 2 == 0 ? '\n' : '"');
      field += draw.chance(0.5) ? "\r\n,\"" : "end";
      text += fmt::format("{},", written.size()) + quoted(field, draw) + "\n";
      if (draw.chance(0.2)) text += std::string(length, '\n');
      written.push_back(field);
    }
    set_threads(draw.integer(1, 5));
    const CsvFile file = CsvFile::from_text(text);
    CHECK(file.texts("text") == written);
    const Ids numbers = file.integers("number");
    bool same = true;
    for (Index i = 0; i < numbers.count(); ++i) same &= numbers.at(i) == i;
    CHECK(same);
    // A quote where none may be moves the cuts behind it; the error is the one of the first line.
    const std::string wrong = text.substr(0, text.find('\n') + 1) + "1,a\"\n" + text.substr(12);
    CHECK(told(wrong).starts_with("t.csv: at byte 15: line 2: a quote within a field"));
  }
  set_threads(before);
}

TEST_CASE("of many wrong fields the first is named, on any number of threads") {
  std::string text = "a\n";
  for (int i = 0; i < 50000; ++i) text += i >= 20000 && i % 100 == 77 ? "x\n" : "1\n";
  const CsvFile file = CsvFile::from_text(text);
  const Index before = threads();
  for (const Index count : {1, 2, 7}) {
    set_threads(count);
    CHECK(refusal<FormatError>([&] {
            static_cast<void>(file.numbers("a"));
          }).starts_with("CsvFile: at byte 40156: line 20079, "));
  }
  set_threads(before);
}

TEST_CASE("50000 damaged CSV texts and every truncation end in columns or in an Error") {
  const std::string original =
      "id,\"na\"\"me\",price\r\n1,\"x, y\",2.5e3\r\n2,\"line\nend\",-0.25\r\n\r\n3,é,NaN\r\n";
  Index read = 0, refused = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      const CsvFile file = CsvFile::from_text(text, {.missing_numbers = MissingNumbers::nan});
      for (const std::string& name : file.names()) {
        static_cast<void>(file.categories(name, file.distinct(name)));
        if (name == "id") static_cast<void>(file.numbers(name));
      }
      ++read;
    } catch (const FormatError& error) {
      CHECK(error.byte_offset() >= 0);
      CHECK(error.byte_offset() <= static_cast<Index>(text.size()));
      ++refused;
    }
  };
  for (std::size_t size = 0; size < original.size(); ++size) attempt(original.substr(0, size));
  fuzz::Reader csv{.name = "csv"};
  csv.words = {
      ",", "\"", "\"\"", "\n", "\r", "\r\n", "1e999", "-", "\xff", "é", std::string(1, '\0'), "NA"};
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  for (std::uint64_t seed = 0; seed < 50000; ++seed) {
    CAPTURE(seed);
    attempt(fuzz::Mutator(csv, seed)(original, original));
  }
  CHECK(read > 500);
  CHECK(refused > 10000);
  CHECK(memory::bytes_peak() - before < 1 << 20);
}

TEST_CASE("empty lines of a table with many columns take no memory for fields") {
  std::string text = "a";
  for (int column = 1; column < 20'000; ++column) text += "," + std::to_string(column);
  text += std::string(200'000, '\n');
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  CHECK(CsvFile::from_text(text).rows() == 0);
  CHECK(memory::bytes_peak() - before < 40 * static_cast<Index>(text.size()));
}

TEST_CASE("numbers with the smallest exponent of 64 bits are 0, and with the largest too large") {
  CHECK(CsvFile::from_text("a\n1e-9223372036854775808\n").numbers("a").at(0) == 0);
  CHECK_THROWS_AS(CsvFile::from_text("a\n1e9223372036854775807\n").numbers("a"), FormatError);
}
