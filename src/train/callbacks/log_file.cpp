#include <sys/stat.h>

#include <charconv>

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/train/callbacks/loggers.hpp"
#include "io/append_file.hpp"
#include "io/path.hpp"
#include "io/shown.hpp"
#include "train/callbacks/state_numbers.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Takes a prefix and the number behind it; none where they are not there.
std::optional<Index> number_behind(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return {};
  Index number = 0;
  const char *const begin = line.data() + prefix.size(), *const end = line.data() + line.size();
  const std::from_chars_result read = std::from_chars(begin, end, number);
  if (read.ec != std::errc()) return {};
  line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()));
  return number;
}

// The position of a line as CSVLogger or JsonLinesLogger writes it; none of another line.
std::optional<LogPosition> position_of(std::string_view line) {
  const std::optional<Index> epoch =
      number_behind(line, line.starts_with('{') ? "{\"epoch\":" : "");
  if (!epoch) return {};
  return LogPosition{*epoch, number_behind(line, ",\"batch\":").value_or(LogPosition::whole)};
}

Index size_of(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

bool any_line(std::string_view) { return true; }

// Throws ValueError where the first line, if it has an end, is another.
void check_first_line(const char* callback, const std::string& path, const std::string& header) {
  std::optional<std::string> first;
  io::end_of_lines(path, 0, [&](std::string_view line) {
    first = line;
    return false;
  });
  if (!first || header.empty() || *first == header) return;
  throw ValueError(fmt::format(
      "{}: {}: expected a file that begins with \"{}\", got \"{}\"; continue a file of the same "
      "losses and metrics, or name a new one",
      callback, path, io::shown(header), io::shown(*first)));
}

}  // namespace

std::strong_ordering LogPosition::operator<=>(const LogPosition& other) const {
  if (epoch != other.epoch) return epoch <=> other.epoch;
  // A whole epoch comes after its batches.
  return static_cast<std::size_t>(batch) <=> static_cast<std::size_t>(other.batch);
}

LogFile::LogFile(const char* callback, std::string path, bool append)
    : callback_(callback), path_(std::move(path)), append_(append) {
  io::checked_path(callback, path_);
}

void LogFile::begin() {
  open_ = false;
  resumed_ = false;
  io::append_to_file(path_, "");
  begin_ = append_ ? io::end_of_lines(path_, 0, any_line) : 0;
}

void LogFile::open(LogPosition position, const std::string& header) {
  if (!begin_) begin();
  if (resumed_ && size_of(path_) < *begin_)
    throw StateError(fmt::format(
        "{}: {}: expected the file of the training that is resumed, of at least {} bytes, got {}; "
        "put it back, or begin a new training",
        callback_, path_, *begin_, size_of(path_)));
  io::append_to_file(path_, "");
  const Index end = resumed_  ? io::end_of_lines(path_, *begin_,
                                                 [&](std::string_view line) {
                                                  const auto at = position_of(line);
                                                  return !at || *at < position;
                                                })
                    : append_ ? io::end_of_lines(path_, 0, any_line)
                              : 0;
  if (end > 0) check_first_line(callback_, path_, header);
  io::cut_file(path_, end);
  if (end == 0 && !header.empty()) io::append_to_file(path_, header + "\n");
  open_ = true;
}

void LogFile::add(LogPosition position, const std::string& line, const std::string& header) {
  if (!open_) open(position, header);
  io::append_to_file(path_, line + "\n");
}

void LogFile::flush() const {
  if (open_) io::flush_file(path_);
}

void LogFile::check_header(const std::string& header) const {
  if (append_ && size_of(path_) > 0) check_first_line(callback_, path_, header);
}

void LogFile::check_names(const Logs& names) const {
  for (const char* own : {"epoch", "batch"})
    if (names.contains(own))
      throw ValueError(fmt::format(
          "{}: {}: a metric is called \"{}\", as a column of the logger's own is; give it another "
          "name",
          callback_, path_, own));
}

CallbackState LogFile::state() const {
  return {.numbers = {{"begin", static_cast<double>(begin_.value_or(0))}}, .arrays = {}};
}

void LogFile::load_state(const CallbackState& state) {
  begin_ = count_of(callback_, state, "begin");
  resumed_ = true;
  open_ = false;
}

}}  // namespace fovea
