#include "fovea/train/callbacks/loggers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"
#include "io/json_text.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The shortest text that reads back as the number. The sign of a NaN means nothing.
std::string number_text(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{}", value);
}

// In quotes where a reader would see more than one cell or line (RFC 4180).
std::string cell(std::string_view text, char separator) {
  const std::string special{separator, '"', '\r', '\n'};
  if (text.find_first_of(special) == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

std::string object(const std::string& position, const Logs& logs) {
  std::string text = "{" + position;
  for (const auto& [name, value] : logs)
    text += fmt::format(",{}:{}", io::json_string(name),
                        std::isfinite(value) ? number_text(value) : "null");
  return text + "}";
}

}  // namespace

CSVLogger::CSVLogger(std::string path, CSVLoggerOptions options)
    : file_("CSVLogger", std::move(path), options.append), separator_(options.separator) {
  constexpr std::string_view cell_text = "0123456789+-.aefinN\"\r\n";
  if (separator_ == '\0' || cell_text.find(separator_) != std::string_view::npos)
    throw ValueError(
        fmt::format("CSVLogger: the separator is {:?}, of which numbers, quotes or line ends are "
                    "made; choose another, such as ',' or '\\t'",
                    separator_));
}

std::string CSVLogger::header(const Logs& logs) const {
  std::string text = "epoch";
  for (const auto& entry : logs) text += separator_ + cell(entry.first, separator_);
  return text;
}

void CSVLogger::check_names(const Model&, const Logs& names) const {
  for (const auto& entry : names)
    if (entry.first.find_first_of("\r\n") != std::string::npos)
      throw ValueError(
          fmt::format("CSVLogger: the name {:?} has an end of line, and a line of the file is an "
                      "epoch; give the metric another name",
                      entry.first));
  file_.check_names(names);
  file_.check_header(header(names));
}

void CSVLogger::on_train_begin(Model&) {
  columns_.clear();
  file_.begin();
}

void CSVLogger::on_epoch_end(Model& model, Index epoch, const Logs& logs) {
  if (columns_.empty())
    for (const auto& entry : logs) columns_.push_back(entry.first);
  for (const auto& entry : logs)
    if (std::ranges::find(columns_, entry.first) == columns_.end())
      throw ValueError(
          fmt::format("{}: fit: CSVLogger: \"{}\" of epoch {} is no column of {}; the first epoch "
                      "decides which "
                      "there are",
                      model.name(), entry.first, epoch, file_.path()));
  std::string line = fmt::format("{}", epoch);
  for (const std::string& column : columns_) {
    const auto value = logs.find(column);
    line += separator_ + (value == logs.end() ? "NA" : number_text(value->second));
  }
  file_.add({epoch}, line, header(logs));
}

JsonLinesLogger::JsonLinesLogger(std::string path, JsonLinesLoggerOptions options)
    : file_("JsonLinesLogger", std::move(path), options.append),
      every_batches_(options.every_batches) {
  if (every_batches_ < 0)
    throw ValueError(
        fmt::format("JsonLinesLogger: every_batches is {}; it must be at least 0", every_batches_));
}

void JsonLinesLogger::check_names(const Model&, const Logs& names) const {
  file_.check_names(names);
}

void JsonLinesLogger::on_train_begin(Model&) {
  epoch_ = 0;
  file_.begin();
}

void JsonLinesLogger::on_train_batch_end(Model&, Index batch, const Logs& logs) {
  if (every_batches_ == 0 || (batch + 1) % every_batches_ != 0) return;
  file_.add({epoch_, batch}, object(fmt::format("\"epoch\":{},\"batch\":{}", epoch_, batch), logs));
}

void JsonLinesLogger::on_epoch_end(Model&, Index epoch, const Logs& logs) {
  file_.add({epoch}, object(fmt::format("\"epoch\":{}", epoch), logs));
}

}}  // namespace fovea
