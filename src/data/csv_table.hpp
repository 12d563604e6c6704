// The text of a CSV file, and where its fields are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/data/csv.hpp"
#include "fovea/memory/buffer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

struct CsvTable {
  /// Line feeds behind the text in the buffer, so that 64 bytes can be read from any of its own.
  static constexpr Index padding = 64;

  /// Takes `size` bytes of text and the padding. Throws FormatError.
  CsvTable(std::string file, Buffer bytes, Index size, const CsvOptions& options);

  Index rows() const { return static_cast<Index>(begins.size()) - (options.header ? 1 : 0); }

  /// Returns a field as it stands in the file, its quotes included; row 0 is behind the header.
  std::string_view field(Index row, std::size_t column) const {
    const auto line = static_cast<std::size_t>(row) + (options.header ? 1 : 0);
    const std::uint32_t* const end = ends.data() + line * columns + column;
    const std::size_t begin = column == 0 ? 0 : end[-1] + 1;
    return text.substr(begins[line] + begin, *end - begin);
  }

  /// The same, and asks the memory for the field some rows on: whoever takes one column jumps.
  std::string_view field_of_column(Index row, std::size_t column) const {
    constexpr Index ahead = 16;
    if (row + ahead < rows()) __builtin_prefetch(field(row + ahead, column).data());
    return field(row, column);
  }

  /// Returns a field without its quotes.
  std::string unquoted(std::string_view field) const;

  /// Throws FormatError: that `expected` is not what a field is.
  [[noreturn]] void refuse(Index row, std::size_t column, const std::string& expected) const;

  std::string file;
  CsvOptions options;
  Buffer buffer;
  std::string_view text;
  std::size_t columns = 0;
  memory::List<std::size_t> begins;  // of each line with fields
  memory::List<std::uint32_t> ends;  // of each field, from the begin of its line
  std::vector<std::string> names;
};

}}  // namespace fovea
