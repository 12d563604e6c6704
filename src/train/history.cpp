#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "fovea/train/model.hpp"
#include "train/progress.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Each column is as wide as the longest text in it; all are aligned at the right.
std::string to_string(const History& history) {
  std::vector<std::vector<std::string>> columns = {{"epoch"}};
  for (const Index epoch : history.epoch) columns[0].push_back(fmt::format("{}", epoch));
  for (const auto& [name, values] : history.history) {
    columns.push_back({name});
    for (const double value : values) columns.back().push_back(train::number_text(value));
  }
  std::size_t lines = 0;
  std::vector<std::size_t> widths;
  for (const auto& column : columns) {
    lines = std::max(lines, column.size());
    widths.push_back(std::ranges::max_element(column, {}, &std::string::size)->size());
  }
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    std::string joined;
    for (std::size_t i = 0; i < columns.size(); ++i)
      joined += fmt::format("{}{:>{}}", i > 0 ? "  " : "",
                            line < columns[i].size() ? columns[i][line] : "", widths[i]);
    text += (line > 0 ? "\n" : "") + joined;
  }
  return text;
}
std::ostream& operator<<(std::ostream& stream, const History& history) {
  return stream << to_string(history);
}

}}  // namespace fovea
