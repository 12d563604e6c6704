#include "fovea/train/callbacks/tensorboard.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "fovea/train/model.hpp"
#include "io/append_file.hpp"
#include "io/event_file.hpp"
#include "io/path.hpp"
#include "train/callbacks/state_numbers.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char *training = "train", *validation = "validation";

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The name of this machine, for the names of files.
std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

// Counts in buckets of equal width between the smallest and the largest finite number; none where
// no number is finite.
std::optional<io::EventHistogram> histogram_of(const Array& array) {
  constexpr Index buckets = 30;
  io::EventHistogram h;
  h.min = std::numeric_limits<double>::infinity();
  h.max = -h.min;
  for (Index i = 0; i < array.count(); ++i) {
    const auto value = static_cast<double>(array.data()[i]);
    if (!std::isfinite(value)) continue;
    h.min = std::min(h.min, value);
    h.max = std::max(h.max, value);
    ++h.count;
    h.sum += value;
    h.sum_of_squares += value * value;
  }
  if (h.count == 0) return {};
  const double width = (h.max - h.min) / static_cast<double>(buckets);
  for (Index i = 1; i < buckets && width > 0; ++i)
    h.limits.push_back(h.min + static_cast<double>(i) * width);
  h.limits.push_back(h.max);
  h.counts.resize(h.limits.size());
  for (Index i = 0; i < array.count(); ++i) {
    const auto value = static_cast<double>(array.data()[i]);
    if (std::isfinite(value))
      ++h.counts[static_cast<std::size_t>(std::ranges::lower_bound(h.limits, value) -
                                          h.limits.begin())];
  }
  return h;
}

bool of_batch(std::string_view tag) {
  return tag.starts_with("batch_") && !tag.ends_with("/histogram");
}

}  // namespace

TensorBoard::TensorBoard(TensorBoardOptions options) : options_(std::move(options)) {
  io::checked_path("TensorBoard", options_.log_dir);
  for (const auto& [name, value] : {std::pair("histogram_freq", options_.histogram_freq),
                                    {"update_freq", options_.update_freq}})
    if (value < 0)
      throw ValueError(fmt::format("TensorBoard: {} is {}; it must be at least 0", name, value));
}

std::string TensorBoard::path(const char* run) const {
  return fmt::format("{}/{}/events.out.tfevents.{}.{}.{}.{}.v2", options_.log_dir, run, seconds_,
                     host(), process_, number_);
}

void TensorBoard::on_train_begin(Model&) {
  static std::atomic<std::int64_t> number = 0;
  seconds_ = static_cast<std::int64_t>(now());
  process_ = ::getpid();
  number_ = number++;
  epoch_ = steps_ = 0;
  resumed_train_ = resumed_validation_ = false;
  std::error_code error;
  const std::string folder = options_.log_dir + "/" + training;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(folder, "make the folder", error.value());
}

// The file of a training that is resumed, which may have run on another machine.
std::string TensorBoard::resumed_path(const char* run) const {
  const std::string begin = fmt::format("events.out.tfevents.{}.", seconds_),
                    end = fmt::format(".{}.{}.v2", process_, number_);
  std::error_code error;
  const std::filesystem::directory_iterator entries(options_.log_dir + "/" + run, error);
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begin) && name.ends_with(end)) return entry.path().string();
  }
  return path(run);
}

void TensorBoard::write(const char* run, Index step, const std::vector<io::EventValue>& values,
                        bool& resumed) {
  const std::string file = resumed_path(run);
  std::error_code error;
  std::filesystem::create_directories(options_.log_dir + "/" + run, error);
  io::append_to_file(file, "");
  if (resumed)
    io::cut_file(file, io::end_of_events(file, [&](Index at, std::string_view tag) {
                   return tag.empty() || at < (of_batch(tag) ? steps_ : epoch_);
                 }));
  resumed = false;
  const double time = now();
  const std::string begin =
      std::filesystem::file_size(file, error) == 0 ? io::first_event_record(time) : "";
  io::append_to_file(file, begin + io::event_record(time, step, values));
}

void TensorBoard::on_train_batch_end(Model&, Index, const Logs& logs) {
  if (options_.update_freq > 0 && (steps_ + 1) % options_.update_freq == 0) {
    std::vector<io::EventValue> values;
    for (const auto& [name, value] : logs) values.push_back({"batch_" + name, value});
    write(training, steps_, values, resumed_train_);
  }
  ++steps_;
}

void TensorBoard::on_epoch_end(Model& model, Index epoch, const Logs& logs) {
  epoch_ = epoch;
  std::vector<io::EventValue> trained, validated;
  for (const auto& [name, value] : logs)
    if (name.starts_with("val_"))
      validated.push_back({"epoch_" + name.substr(4), value});
    else
      trained.push_back({"epoch_" + name, value});
  trained.push_back({"epoch_learning_rate", model.optimizer().learning_rate()});
  if (options_.histogram_freq > 0 && epoch % options_.histogram_freq == 0)
    for (const NamedParameter& parameter : parameters_of(model))
      if (const auto histogram = histogram_of(parameter.tensor.value()))
        trained.push_back({parameter.path + "/histogram", 0, histogram});
  write(training, epoch, trained, resumed_train_);
  if (!validated.empty()) write(validation, epoch, validated, resumed_validation_);
}

void TensorBoard::on_train_end(Model&) {
  for (const char* run : {training, validation})
    if (const std::string file = resumed_path(run); std::filesystem::exists(file))
      io::flush_file(file);
}

CallbackState TensorBoard::state() const {
  return {.numbers = {{"seconds", static_cast<double>(seconds_)},
                      {"process", static_cast<double>(process_)},
                      {"number", static_cast<double>(number_)},
                      {"steps", static_cast<double>(steps_)}},
          .arrays = {}};
}

void TensorBoard::load_state(const CallbackState& state) {
  const Index seconds = count_of("TensorBoard", state, "seconds"),
              process = count_of("TensorBoard", state, "process"),
              number = count_of("TensorBoard", state, "number");
  steps_ = count_of("TensorBoard", state, "steps");
  seconds_ = seconds;
  process_ = process;
  number_ = number;
  resumed_train_ = resumed_validation_ = true;
}

}}  // namespace fovea
