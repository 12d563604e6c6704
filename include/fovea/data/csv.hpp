// Tables of text: CSV as RFC 4180 has it.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What a missing number becomes.
enum class MissingNumbers { refuse, nan };

/// The options of CsvFile.
struct CsvOptions {
  /// Stands between fields: one character of ASCII.
  char delimiter = ',';
  /// Stands around fields that hold delimiters, ends of lines or quotes, which are doubled there;
  /// '\0': no character does.
  char quote = '"';
  /// Whether the first line names the columns. Without, they are called "0", "1" and so on.
  bool header = true;
  /// What is done where a number is missing.
  MissingNumbers missing_numbers = MissingNumbers::refuse;
  /// Fields that stand for a missing number.
  std::vector<std::string> missing = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
  /// The largest file in bytes that is read: all of it is held in memory.
  Index largest_file = Index(4) << 30;
};

struct CsvTable;

/// A CSV file in memory, from which columns are taken by name: a value.
///
///     const CsvFile file("houses.csv");
///     const Array x = file.numbers({"area", "rooms"});                       // (rows, 2)
///     const Ids y = file.categories("district", file.distinct("district"));  // (rows)
///
/// Lines end in LF or CR LF. Empty lines are skipped, as pandas does. Each line has as many fields
/// as the first. A quote within a field without quotes is rejected, as are a CR alone, a NUL, and
/// bytes that are no UTF-8; a byte order mark is skipped. Memory is that of the file and at most 24
/// bytes for each field. Results are the same for any number of threads, and in any locale.
class CsvFile {
 public:
  /// Reads the file. Throws IoError, FormatError with line and byte, and ValueError for options
  /// that exclude each other.
  explicit CsvFile(const std::string& path, const CsvOptions& options = {});

  /// Reads a text; `name` stands for it in messages.
  static CsvFile from_text(std::string_view text, const CsvOptions& options = {},
                           const std::string& name = "CsvFile");

  /// Returns the number of rows, without the header.
  Index rows() const;
  /// Returns the names of the columns, in their order.
  const std::vector<std::string>& names() const&;
  /// The same, of a temporary.
  std::vector<std::string> names() const&& { return names(); }

  /// Returns a column of numbers, (rows). Decimal numbers with an optional exponent are rounded to
  /// the nearest `real`, and "inf" is read; blanks around a number are skipped. Throws IndexError
  /// for an unknown column, and FormatError for a field that is no number, or beyond the range.
  Array numbers(const std::string& column) const;
  /// Returns columns of numbers, (rows, columns), in the order given.
  Array numbers(std::span<const std::string> columns) const;
  /// The same, from a list.
  Array numbers(std::initializer_list<std::string> columns) const;

  /// Returns a column of whole numbers, (rows). Throws as `numbers`, and FormatError for what is
  /// missing or does not fit 32 bits.
  Ids integers(const std::string& column) const;

  /// Returns a column of texts, unquoted.
  std::vector<std::string> texts(const std::string& column) const;

  /// Returns the texts of a column, each once, sorted by bytes.
  std::vector<std::string> distinct(const std::string& column) const;

  /// Returns, for each text of a column, its position in `vocabulary`, (rows). Throws FormatError
  /// for a text that is not there, and ValueError for a vocabulary with a text that stands twice.
  Ids categories(const std::string& column, std::span<const std::string> vocabulary) const;

 private:
  explicit CsvFile(std::shared_ptr<const CsvTable> table) : table_(std::move(table)) {}
  std::size_t position(const std::string& column) const;

  std::shared_ptr<const CsvTable> table_;
};

}}  // namespace fovea
