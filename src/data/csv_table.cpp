#include "data/csv_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "fovea/base/error.hpp"
#include "fovea/data/utf8.hpp"
#include "fovea/io/error.hpp"
#include "io/shown.hpp"
#include "kernels/byte_masks.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Where the lines begin, and where their fields end.
struct Fields {
  memory::List<std::size_t> begins;
  memory::List<std::uint32_t> ends;
  std::size_t columns = 0;  // of each line; 0 until there is one
};

// Finds the fields of the lines that begin in a piece of the text. The first one does, or an empty
// one.
class FieldFinder {
 public:
  // About so many `lines`, each of so many columns; 0: the first line tells.
  FieldFinder(const CsvTable& table, std::size_t begin, std::size_t end, std::size_t columns = 0,
              std::size_t lines = 0)
      : table_(table),
        text_(table.text.data()),
        size_(table.text.size()),
        at_(begin),
        end_(end),
        quote_(table.options.quote),
        delimiter_(table.options.delimiter) {
    fields_.begins.reserve(lines);
    fields_.ends.reserve(std::min(lines * columns, end - begin + 1));  // a field takes a byte
    fields_.columns = columns;
  }

  Fields run() {
    while (skip_empty_lines()) find_line();
    return std::move(fields_);
  }

  // The same of the first line alone.
  Fields first_line() {
    if (skip_empty_lines()) find_line();
    return std::move(fields_);
  }

 private:
  bool skip_empty_lines() {
    while (at_ < end_ && (text_[at_] == '\n' || (text_[at_] == '\r' && text_[at_ + 1] == '\n')))
      at_ += text_[at_] == '\n' ? 1 : 2;
    return at_ < end_;
  }

  // At size_ stand line feeds.
  void find_line() {
    const std::size_t begin = at_;
    std::size_t fields = 0;
    for (bool more = true; more; ++fields) {
      if (text_[at_] == quote_)  // text holds no NUL
        pass_quoted();
      else
        at_ = next_special(at_);
      fields_.ends.push_back(static_cast<std::uint32_t>(at_ - begin));
      more = text_[at_] == delimiter_;
      if (more) ++at_;
    }
    if (at_ - begin > std::numeric_limits<std::uint32_t>::max())
      fail(begin, "a line of more than 4 GiB");
    end_line();
    if (fields_.columns == 0) fields_.columns = fields;
    if (fields != fields_.columns)
      fail(begin, fmt::format("expected {} fields, as in the first line, got {}", fields_.columns,
                              fields));
    fields_.begins.push_back(begin);
  }

  void end_line() {
    if (text_[at_] == '\r') {
      if (text_[at_ + 1] != '\n') fail(at_, "a carriage return that no line feed follows");
      ++at_;
    }
    if (text_[at_] != '\n')
      fail(at_,
           "a quote within a field that does not begin with one; put quotes around the field "
           "and double those in it, or set quote to '\\0'");
    ++at_;
  }

  // The first byte from `at` on that is a delimiter, the end of a line or a quote.
  std::size_t next_special(std::size_t at) {
    std::size_t word = at / 64;
    std::uint64_t rest = mask(word) >> (at % 64);
    if (rest != 0) return at + static_cast<std::size_t>(std::countr_zero(rest));
    do rest = mask(++word);
    while (rest == 0);
    return 64 * word + static_cast<std::size_t>(std::countr_zero(rest));
  }

  std::uint64_t mask(std::size_t word) {
    if (word - first_mask_ >= masks_count_) {
      first_mask_ = word;
      masks_count_ = std::min(masks_.size(), size_ / 64 + 1 - word);
      kernels::find_bytes(text_ + 64 * word, static_cast<Index>(masks_count_),
                          {delimiter_, '\n', '\r', quote_}, masks_.data());
    }
    return masks_[word - first_mask_];
  }

  void pass_quoted() {
    const std::size_t begin = at_++;
    for (;; ++at_) {
      const void* const found = std::memchr(text_ + at_, quote_, size_ - std::min(at_, size_));
      if (!found) fail(begin, "a quote that is never closed");
      at_ = static_cast<std::size_t>(static_cast<const char*>(found) - text_) + 1;
      if (at_ == size_ || text_[at_] != quote_) break;
    }
    const char next = text_[at_];
    if (next != delimiter_ && next != '\n' && next != '\r')
      fail(at_, "expected a delimiter or the end of the line behind a closing quote");
  }

  [[noreturn]] void fail(std::size_t byte, const std::string& reason) const {
    const auto line = std::count(text_, text_ + byte, '\n') + 1;
    throw FormatError(table_.file, static_cast<Index>(byte),
                      fmt::format("line {}: {}", line, reason));
  }

  const CsvTable& table_;
  const char* text_;
  std::size_t size_, at_, end_;
  char quote_, delimiter_;
  Fields fields_;
  std::array<std::uint64_t, 64> masks_;  // of special bytes, 64 each, from the first one on
  std::size_t first_mask_ = 0, masks_count_ = 0;
};

std::size_t text_begin(const CsvTable& table) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  return table.text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
}

constexpr std::size_t piece_size = 1 << 20;

using Counts = std::vector<kernels::ByteCounts>;

// What stands in each piece of the text.
Counts counts_of(const CsvTable& table) {
  Counts counts(table.text.size() / piece_size + 1);
  parallel::run(static_cast<Index>(counts.size()), [&](Index i) {
    const std::string_view piece =
        table.text.substr(static_cast<std::size_t>(i) * piece_size, piece_size);
    counts[static_cast<std::size_t>(i)] =
        kernels::count_bytes(piece.data(), static_cast<Index>(piece.size()), table.options.quote);
  });
  return counts;
}

// Where pieces of about a megabyte can begin: behind a line feed that no quotes enclose. In a valid
// file those are the ones behind an even number of quotes.
std::vector<std::size_t> piece_begins(const CsvTable& table, const Counts& counts) {
  const std::string_view text = table.text;
  const char quote = table.options.quote;
  std::vector<std::size_t> begins = {text_begin(table)};
  Index before = 0;
  for (std::size_t i = 1; i < counts.size(); ++i) {
    before += counts[i - 1].quotes;
    if (begins.back() > i * piece_size) {  // a line that is longer than a piece
      begins.push_back(begins.back());
      continue;
    }
    std::size_t at = i * piece_size;
    for (bool within = before % 2 == 1; at < text.size() && (within || text[at] != '\n'); ++at)
      within ^= text[at] == quote;
    begins.push_back(std::max(begins.back(), std::min(at + 1, text.size())));
  }
  begins.push_back(text.size());
  return begins;
}

// Puts the pieces behind each other.
Fields joined(const std::vector<Fields>& pieces) {
  Fields all = {.columns = pieces.front().columns};
  std::vector<std::size_t> lines = {0};
  for (const Fields& piece : pieces) lines.push_back(lines.back() + piece.begins.size());
  all.begins.resize(lines.back());
  all.ends.resize(lines.back() * all.columns);
  parallel::run(static_cast<Index>(pieces.size()), [&](Index number) {
    const auto i = static_cast<std::size_t>(number);
    std::ranges::copy(pieces[i].begins, all.begins.begin() + static_cast<Index>(lines[i]));
    std::ranges::copy(pieces[i].ends,
                      all.ends.begin() + static_cast<Index>(lines[i] * all.columns));
  });
  return all;
}

// Finds all fields, piece by piece in parallel. Where one is wrong the first error of the whole
// text is thrown, which the pieces need not be cut rightly for.
Fields find_fields(const CsvTable& table, const Counts& counts) {
  const std::size_t begin = text_begin(table), end = table.text.size();
  const std::size_t columns = FieldFinder(table, begin, end).first_line().columns;
  const std::vector<std::size_t> begins = piece_begins(table, counts);
  std::vector<Fields> pieces(begins.size() - 1);
  try {
    parallel::run(static_cast<Index>(pieces.size()), [&](Index number) {
      const auto i = static_cast<std::size_t>(number);
      pieces[i] = FieldFinder(table, begins[i], begins[i + 1], columns,
                              static_cast<std::size_t>(counts[i].line_feeds) + 1)
                      .run();
    });
  } catch (const FormatError&) {
    return FieldFinder(table, begin, end).run();
  }
  return pieces.size() == 1 ? std::move(pieces.front()) : joined(pieces);
}

void check_options(const CsvOptions& options) {
  const auto wrong = [](char c) {
    return c == '\n' || c == '\r' || static_cast<signed char>(c) < 0;
  };
  if (wrong(options.delimiter) || options.delimiter == '\0')
    throw ValueError(fmt::format(
        "CsvFile: delimiter: expected a character of ASCII that ends no line, got \\x{:02x}",
        static_cast<unsigned char>(options.delimiter)));
  if (wrong(options.quote) || options.quote == options.delimiter)
    throw ValueError(fmt::format(
        "CsvFile: quote: expected a character of ASCII that is not the delimiter and ends no line, "
        "or '\\0', got \\x{:02x}",
        static_cast<unsigned char>(options.quote)));
}

void check_text(const CsvTable& table, const Counts& counts) {
  if (std::ranges::all_of(counts, &kernels::ByteCounts::ascii)) return;
  const auto line = [&](std::size_t byte) {
    return std::count(table.text.begin(), table.text.begin() + static_cast<Index>(byte), '\n') + 1;
  };
  if (const std::size_t nul = table.text.find('\0'); nul != std::string_view::npos)
    throw FormatError(table.file, static_cast<Index>(nul),
                      fmt::format("line {}: a NUL; convert the file to UTF-8", line(nul)));
  if (const std::optional<Index> byte = find_invalid_utf8(table.text))
    throw FormatError(table.file, *byte,
                      fmt::format("line {}: no valid UTF-8; convert the file to UTF-8",
                                  line(static_cast<std::size_t>(*byte))));
}

std::vector<std::string> names_of(const CsvTable& table) {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < table.columns; ++i) {
    names.push_back(table.options.header ? table.unquoted(table.field(-1, i))
                                         : fmt::format("{}", i));
    if (const auto [first, fresh] = places.emplace(names.back(), i); !fresh)
      throw FormatError(
          table.file, static_cast<Index>(table.field(-1, i).data() - table.text.data()),
          fmt::format("columns {} and {} are both called \"{}\"; give each a name of its own",
                      first->second + 1, i + 1, io::shown(names.back())));
  }
  return names;
}

}  // namespace

CsvTable::CsvTable(std::string path, Buffer bytes, Index size, const CsvOptions& given)
    : file(std::move(path)),
      options(given),
      buffer(std::move(bytes)),
      text(buffer.as<char>(), static_cast<std::size_t>(size)) {
  check_options(options);
  const Counts counts = counts_of(*this);
  check_text(*this, counts);
  Fields fields = find_fields(*this, counts);
  begins = std::move(fields.begins);
  ends = std::move(fields.ends);
  columns = fields.columns;
  if (begins.empty())
    throw FormatError(file, size,
                      options.header ? "expected a line of names, got no line"
                                     : "expected at least one line, got none");
  names = names_of(*this);
}

std::string CsvTable::unquoted(std::string_view field) const {
  const char quote = options.quote;
  if (quote == '\0' || !field.starts_with(quote)) return std::string(field);
  std::string result;
  for (std::size_t i = 1; i + 1 < field.size(); ++i) {
    result += field[i];
    if (field[i] == quote) ++i;
  }
  return result;
}

void CsvTable::refuse(Index row, std::size_t column, const std::string& expected) const {
  const std::string_view wrong = field(row, column);
  const auto byte = wrong.data() - text.data();
  const auto line = std::count(text.data(), wrong.data(), '\n') + 1;
  throw FormatError(file, byte,
                    fmt::format("line {}, column \"{}\": expected {}, got \"{}\"", line,
                                io::shown(names[column]), expected, io::shown(wrong)));
}

}}  // namespace fovea
