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
  for (const auto& column : columns) lines = std::max(lines, column.size());
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    std::string joined;
    for (const auto& column : columns) {
      std::size_t width = 0;
      for (const std::string& cell : column) width = std::max(width, cell.size());
      joined += fmt::format("{}{:>{}}", joined.empty() ? "" : "  ",
                            line < column.size() ? column[line] : "", width);
    }
    text += (line > 0 ? "\n" : "") + joined;
  }
  return text;
}
std::ostream& operator<<(std::ostream& stream, const History& history) {
  return stream << to_string(history);
}

}}  // namespace fovea
