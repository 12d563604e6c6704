#include "train/summary_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

std::string with_commas(Index number) {
  std::string text = fmt::to_string(number);
  const Index first_digit = number < 0 ? 1 : 0;
  for (auto i = static_cast<Index>(text.size()) - 3; i > first_digit; i -= 3)
    text.insert(static_cast<std::size_t>(i), 1, ',');
  return text;
}

std::string memory_size(double bytes) {
  constexpr std::array units = {"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.2f} {}", bytes, units[unit]);
}

namespace {

constexpr std::size_t column_count = 3;
constexpr Index narrowest = 16,
                widest = 1000;  // at 16 one code point is left for the last column's text
using Cells = std::array<std::string, column_count>;
using Widths = std::array<Index, column_count>;

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

Index code_points(std::string_view text) { return std::ranges::count_if(text, starts_code_point); }

std::string repeated(std::string_view text, Index times) {
  std::string result;
  for (Index i = 0; i < times; ++i) result += text;
  return result;
}

// Replaces control characters by blanks: a newline or an escape in a name would break the table.
std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return result;
}

std::string without_trailing_blanks(std::string_view text) {
  return std::string(text.substr(0, text.find_last_not_of(' ') + 1));
}

// Returns the text, or as much of the text as leaves room for an ellipsis.
std::string cut(const std::string& text, Index width) {
  if (code_points(text) <= width) return text;
  std::size_t end = 0;
  for (Index kept = 0;; ++end)
    if (starts_code_point(text[end]) && kept++ == width - 1) return text.substr(0, end) + "…";
}

// Breaks a text before each word that the line has no room for. A word longer than the width is
// cut, on a line of its own.
std::vector<std::string> wrap(std::string_view text, Index width) {
  std::vector<std::string> lines = {""};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t letter = std::min(text.find_first_not_of(' ', begin), text.size());
    const std::size_t blank = std::min(text.find(' ', letter), text.size());
    const std::size_t next = std::min(text.find_first_not_of(' ', blank), text.size());
    const bool fits =
        code_points(lines.back()) + code_points(text.substr(begin, blank - begin)) <= width;
    if (!fits && !lines.back().empty()) lines.emplace_back();
    lines.back() += text.substr(begin, next - begin);
    begin = next;
  }
  for (std::string& line : lines) line = cut(without_trailing_blanks(line), width);
  return lines;
}

std::string rule(const Widths& widths, std::string_view left, std::string_view line,
                 std::string_view cross, std::string_view right) {
  std::string result(left);
  for (std::size_t i = 0; i < column_count; ++i)
    result.append(repeated(line, widths[i])).append(i + 1 < column_count ? cross : right);
  return result + "\n";
}

enum class Vertical { top, bottom };

std::string cells_text(const Cells& cells, const Widths& widths, std::string_view border,
                       Vertical vertical) {
  std::array<std::vector<std::string>, column_count> lines;
  std::size_t height = 1;
  for (std::size_t i = 0; i < column_count; ++i) {
    lines[i] = wrap(cells[i], widths[i] - 2);
    height = std::max(height, lines[i].size());
  }
  for (auto& column : lines)
    column.insert(vertical == Vertical::top ? column.end() : column.begin(), height - column.size(),
                  "");
  std::string result;
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t i = 0; i < column_count; ++i) {
      const std::string& text = lines[i][row];
      const std::string blanks(static_cast<std::size_t>(widths[i] - 2 - code_points(text)), ' ');
      const bool is_number = i + 1 == column_count;
      result.append(border)
          .append(" ")
          .append(is_number ? blanks + text : text + blanks)
          .append(" ");
    }
    result.append(border).append("\n");
  }
  return result;
}

// Returns the widths of columns that end at 45, 80 and 100 percent. The borders narrow the columns,
// the middle one most.
Widths column_widths(Index width) {
  const Index first = width * 45 / 100;
  const Index second = width * 80 / 100;
  return {first - 1, second - first - 2, width - second - 1};
}

std::string total_text(std::string_view what, Index count, Index bytes_per_parameter) {
  const double bytes = static_cast<double>(count) * static_cast<double>(bytes_per_parameter);
  return fmt::format(" {} params: {} ({})\n", what, with_commas(count), memory_size(bytes));
}

}  // namespace

std::string summary_table(std::string_view model, std::span<const SummaryRow> rows,
                          const SummaryTotals& totals, Index width) {
  if (width < narrowest || width > widest)
    throw ValueError(
        fmt::format("summary: the width is {}; it must be {} to {}", width, narrowest, widest));
  const Widths widths = column_widths(width);
  std::string text = fmt::format("Model: \"{}\"\n", printable(model));
  text += rule(widths, "┏", "━", "┳", "┓");
  text += cells_text({"Layer (type)", "Output Shape", "Param #"}, widths, "┃", Vertical::bottom);
  text += rule(widths, "┡", "━", "╇", "┩");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) text += rule(widths, "├", "─", "┼", "┤");
    const std::string layer = fmt::format("{} ({})", rows[i].name, rows[i].type);
    text += cells_text(
        {printable(layer), printable(rows[i].output_shape), with_commas(rows[i].parameters)},
        widths, "│", Vertical::top);
  }
  text += rule(widths, "└", "─", "┴", "┘");
  const Index total = totals.trainable + totals.non_trainable + totals.optimizer;
  text += total_text("Total", total, totals.bytes_per_parameter);
  text += total_text("Trainable", totals.trainable, totals.bytes_per_parameter);
  text += total_text("Non-trainable", totals.non_trainable, totals.bytes_per_parameter);
  if (totals.optimizer > 0)
    text += total_text("Optimizer", totals.optimizer, totals.bytes_per_parameter);
  return text;
}

}}}  // namespace fovea::train
