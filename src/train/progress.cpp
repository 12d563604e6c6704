#include "train/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool is_terminal(const std::ostream& out) {
  const int stream = &out == &std::cout ? STDOUT_FILENO : &out == &std::cerr ? STDERR_FILENO : -1;
  if (stream < 0 || isatty(stream) == 0) return false;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

namespace {

constexpr double redraw_interval = 0.05;
constexpr Index bar_width = 20;
constexpr std::string_view bold = "\x1b[1m", green = "\x1b[32m", white = "\x1b[37m",
                           plain = "\x1b[0m";

// Returns the number of columns of a text: its code points, without the codes of colours.
Index visible_width(std::string_view text) {
  Index width = 0;
  bool in_escape = false;
  for (const char c : text) {
    if (c == '\x1b') in_escape = true;
    if (!in_escape && (static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
    if (c == 'm') in_escape = false;
  }
  return width;
}

std::string repeated(std::string_view text, Index times) {
  std::string result;
  for (Index i = 0; i < times; ++i) result += text;
  return result;
}

std::string count_text(Index step, Index steps) {
  return fmt::format("{:>{}}/{}", step, fmt::formatted_size("{}", steps), steps);
}

std::string bar_text(Index step, Index steps) {
  const auto part = bar_width * (static_cast<double>(step) / static_cast<double>(steps));
  const Index done = std::clamp(static_cast<Index>(part), Index(0), bar_width);
  const std::string green_part =
      done == 0 ? "" : fmt::format("{}{}{}", green, repeated("━", done), plain);
  return fmt::format("{}{}{}{}", green_part, white, repeated("━", bar_width - done), plain);
}

std::string remaining_text(double remaining) {
  const auto seconds = static_cast<Index>(remaining);
  if (remaining > 3600)
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
  if (remaining > 60) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

std::string step_time_text(double seconds) {
  if (seconds >= 1 || seconds == 0) return fmt::format("{:.0f}s/step", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.0f}ms/step", seconds * 1e3);
  return fmt::format("{:.0f}us/step", seconds * 1e6);
}

std::string values_text(std::span<const ProgressValue> values) {
  std::string text;
  for (const ProgressValue& shown : values)
    text += fmt::format(" - {}: {}", shown.name, number_text(shown.value));
  return text;
}

std::string line_text(Index step, Index steps, const std::string& time, double step_seconds,
                      std::span<const ProgressValue> values) {
  return fmt::format("{}{}{} {} {}{}{} {}{}", bold, count_text(step, steps), plain,
                     bar_text(step, steps), bold, time, plain, step_time_text(step_seconds),
                     values_text(values));
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  return std::abs(value) > 1e-3 ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
}

Progress::Progress(std::ostream& out, ProgressOptions options)
    : out_(out), options_(std::move(options)), start_(options_.clock()) {
  if (options_.steps < 1)
    throw ValueError(
        fmt::format("Progress: an epoch of {} steps; it must have at least 1", options_.steps));
  if (options_.epochs > 1) write(fmt::format("Epoch {}/{}\n", options_.epoch, options_.epochs));
}

void Progress::update(Index step, const std::function<std::vector<ProgressValue>()>& values) {
  if (!options_.terminal) return;
  const double now = options_.clock();
  const double step_seconds = seconds_per_step(step, now);
  if (drawn_ && now - *drawn_ < redraw_interval) return;
  const std::string remaining =
      remaining_text(step_seconds * static_cast<double>(options_.steps - step));
  draw(line_text(step, options_.steps, remaining, step_seconds, values()), "");
  drawn_ = now;
}

void Progress::finish(std::span<const ProgressValue> values, std::optional<Index> step) {
  const Index steps = options_.steps, made = step.value_or(steps);
  const double now = options_.clock();
  const double step_seconds = seconds_per_step(made, now);
  const std::string elapsed = fmt::format("{:.0f}s", now - start_);
  if (options_.terminal) return draw(line_text(made, steps, elapsed, step_seconds, values), "\n");
  write(fmt::format("{} - {} - {}{}\n", count_text(made, steps), elapsed,
                    step_time_text(step_seconds), values_text(values)));
}

// Returns the mean time of a step. The first step is often slower, since memory is allocated then,
// and is left out once there is another. Without a terminal the end of the first step is not known,
// and the mean includes that step.
double Progress::seconds_per_step(Index step, double now) {
  if (step == 0) return 0;
  const bool leave_out_first = step > 1 && first_step_;
  const double seconds = leave_out_first ? (now - *first_step_) / static_cast<double>(step - 1)
                                         : (now - start_) / static_cast<double>(step);
  if (step == 1) first_step_ = now;
  return seconds;
}

// Redraws the line. Blanks cover the rest of a longer line.
void Progress::draw(const std::string& line, std::string_view end) {
  const Index width = visible_width(line);
  const Index left_over = std::max(drawn_width_ - width, Index(0));
  write(
      fmt::format("{}\r{}{}{}", repeated("\b", drawn_width_), line, repeated(" ", left_over), end));
  drawn_width_ = width;
}

void Progress::write(const std::string& text) {
  out_.write(text.data(), static_cast<std::streamsize>(text.size()));
  out_.flush();
}

}}}  // namespace fovea::train
