#include "fovea/data/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <limits>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/content_hash.hpp"
#include "data/csv_table.hpp"
#include "data/decimal.hpp"
#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/input_file.hpp"
#include "io/path.hpp"
#include "io/shown.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_size(const std::string& file, Index size, const CsvOptions& options) {
  if (size > options.largest_file)
    throw ValueError(fmt::format("{}: expected at most {} bytes, got {}; raise largest_file", file,
                                 options.largest_file, size));
}

Buffer buffer_of(Index size) {
  Buffer bytes(size + CsvTable::padding);
  std::fill_n(bytes.as<char>() + size, CsvTable::padding, '\n');
  return bytes;
}

// A number that stands alone; quotes and blanks around it are skipped.
std::string_view trimmed(std::string_view field, char quote) {
  if (quote != '\0' && field.size() >= 2 && field.front() == quote)
    field = field.substr(1, field.size() - 2);
  while (!field.empty() && (field.front() == ' ' || field.front() == '\t')) field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
  return field;
}

bool is_missing(std::string_view field, const CsvOptions& options) {
  return std::ranges::find(options.missing, field) != options.missing.end();
}

real number(const CsvTable& table, Index row, std::size_t column) {
  const std::string_view whole = table.field(row, column);
  real value = 0;
  if (read_decimal(whole, value) == Decimal::read) return value;
  const std::string_view field = trimmed(whole, table.options.quote);
  const Decimal result = read_decimal(field, value);
  if (result == Decimal::read) return value;
  if (is_missing(field, table.options)) {
    if (table.options.missing_numbers == MissingNumbers::nan)
      return std::numeric_limits<real>::quiet_NaN();
    table.refuse(row, column, "a number (set missing_numbers to MissingNumbers::nan to have NaN)");
  }
  table.refuse(row, column,
               result == Decimal::too_large
                   ? fmt::format("a number of at most {}", std::numeric_limits<real>::max())
                   : "a number");
}

std::int32_t integer(const CsvTable& table, Index row, std::size_t column) {
  std::string_view field = trimmed(table.field_of_column(row, column), table.options.quote);
  if (field.starts_with('+') && !field.starts_with("+-")) field.remove_prefix(1);
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error == std::errc() && end == field.data() + field.size()) return value;
  table.refuse(row, column, "a whole number of 32 bits");
}

// Calls use(row) for all rows, in parallel. Of several that throw, the first row's exception is
// thrown.
template <class Use>
void for_rows(Index rows, Index cost, const Use& use) {
  std::atomic<Index> first_wrong = rows;
  parallel::for_range(rows, parallel::grain(cost), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      try {
        use(row);
      } catch (const FormatError&) {
        Index known = first_wrong;
        while (row < known && !first_wrong.compare_exchange_weak(known, row)) continue;
        return;
      }
    }
  });
  if (first_wrong < rows) use(first_wrong);
}

}  // namespace

CsvFile::CsvFile(const std::string& path, const CsvOptions& options) {
  const io::InputFile file(io::checked_path("CsvFile", path));
  check_size(path, file.size(), options);
  Buffer bytes = buffer_of(file.size());
  file.read(0, {bytes.as<std::byte>(), static_cast<std::size_t>(file.size())});
  table_ = std::make_shared<const CsvTable>(path, std::move(bytes), file.size(), options);
}

CsvFile CsvFile::from_text(std::string_view text, const CsvOptions& options,
                           const std::string& name) {
  const auto size = static_cast<Index>(text.size());
  check_size(name, size, options);
  Buffer bytes = buffer_of(size);
  std::ranges::copy(text, bytes.as<char>());
  return CsvFile(std::make_shared<const CsvTable>(name, std::move(bytes), size, options));
}

Index CsvFile::rows() const { return table_->rows(); }
const std::vector<std::string>& CsvFile::names() const& { return table_->names; }

std::size_t CsvFile::position(const std::string& column) const {
  const auto found = std::ranges::find(table_->names, column);
  if (found != table_->names.end()) return static_cast<std::size_t>(found - table_->names.begin());
  std::vector<std::string> some;
  for (const std::string& name :
       std::span(table_->names).first(std::min<std::size_t>(table_->names.size(), 20)))
    some.push_back(io::shown(name));
  throw IndexError(
      fmt::format("{}: expected the name of a column, got \"{}\"; the columns are "
                  "{}{}",
                  table_->file, io::shown(column), fmt::join(some, ", "),
                  some.size() < table_->names.size() ? ", ..." : ""));
}

Array CsvFile::numbers(const std::string& column) const {
  return numbers(std::span(&column, 1)).reshaped(Shape{rows()});
}

Array CsvFile::numbers(std::span<const std::string> columns) const {
  std::vector<std::size_t> places;
  for (const std::string& column : columns) places.push_back(position(column));
  const auto width = static_cast<Index>(places.size());
  Array result(Shape{rows(), width});
  real* const out = result.mutable_data();
  for_rows(rows(), 20 * width, [&](Index row) {
    for (Index i = 0; i < width; ++i)
      out[row * width + i] = number(*table_, row, places[static_cast<std::size_t>(i)]);
  });
  return result;
}

Array CsvFile::numbers(std::initializer_list<std::string> columns) const {
  return numbers(std::span(columns.begin(), columns.size()));
}

Ids CsvFile::integers(const std::string& column) const {
  const std::size_t place = position(column);
  Ids result(Shape{rows()});
  std::int32_t* const out = result.mutable_data();
  for_rows(rows(), 10, [&](Index row) { out[row] = integer(*table_, row, place); });
  return result;
}

std::vector<std::string> CsvFile::texts(const std::string& column) const {
  const std::size_t place = position(column);
  std::vector<std::string> result(static_cast<std::size_t>(rows()));
  for_rows(rows(), 50, [&](Index row) {
    result[static_cast<std::size_t>(row)] = table_->unquoted(table_->field_of_column(row, place));
  });
  return result;
}

std::vector<std::string> CsvFile::distinct(const std::string& column) const {
  const std::size_t place = position(column);
  constexpr Index pieces = 16;
  std::vector<std::unordered_set<std::string_view, TextHash>> fields(pieces);
  parallel::run(pieces, [&](Index i) {
    auto& own = fields[static_cast<std::size_t>(i)];
    for (Index row = rows() * i / pieces; row < rows() * (i + 1) / pieces; ++row)
      own.insert(table_->field_of_column(row, place));
  });
  std::set<std::string> unique;  // a text can stand with and without quotes
  for (const auto& own : fields)
    for (const std::string_view field : own) unique.insert(table_->unquoted(field));
  return {unique.begin(), unique.end()};
}

Ids CsvFile::categories(const std::string& column, std::span<const std::string> vocabulary) const {
  const std::size_t place = position(column);
  std::unordered_map<std::string_view, std::int32_t, TextHash> ids;
  for (const std::string& text : vocabulary)
    if (!ids.emplace(text, static_cast<std::int32_t>(ids.size())).second)
      throw ValueError(fmt::format("CsvFile: categories: \"{}\" stands twice in the vocabulary",
                                   io::shown(text)));
  Ids result(Shape{rows()});
  std::int32_t* const out = result.mutable_data();
  for_rows(rows(), 50, [&](Index row) {
    const std::string_view field = table_->field_of_column(row, place);
    const bool quoted = field.starts_with(table_->options.quote);
    const auto found = ids.find(quoted ? table_->unquoted(field) : field);
    if (found == ids.end())
      table_->refuse(row, place, fmt::format("one of the {} texts of the vocabulary", ids.size()));
    out[row] = found->second;
  });
  return result;
}

}}  // namespace fovea
