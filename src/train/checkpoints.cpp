#include "fovea/train/checkpoints.hpp"

#include <fmt/args.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string_view>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"
#include "io/folder.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* file_prefix = "file ";  // of numbers that tell the order of files

Logs without_validation(const Logs& names) {
  Logs result;
  for (const auto& [name, value] : names)
    if (!name.starts_with("val_")) result.set(name, value);
  return result;
}

}  // namespace

struct ModelCheckpoint::Written {
  std::mutex mutex;
  std::vector<std::string> files;

  void set(std::vector<std::string> names) {
    const std::lock_guard lock(mutex);
    files = std::move(names);
  }
};

ModelCheckpoint::ModelCheckpoint(ModelCheckpointOptions options)
    : options_(std::move(options)),
      monitor_("ModelCheckpoint", options_.monitor, options_.mode, 0) {
  begin({});
  if (options_.filepath.empty())
    throw ValueError("ModelCheckpoint: there is no filepath; give one");
  const auto check = [](const char* name, Index value) {
    if (value < 0)
      throw ValueError(
          fmt::format("ModelCheckpoint: {} is {}; it must be at least 0", name, value));
  };
  check("save_freq", options_.save_freq);
  check("keep_last", options_.keep_last);
}

std::string ModelCheckpoint::path(const Model& model, Index epoch, Index batch,
                                  const Logs& logs) const {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  values.push_back(fmt::arg("epoch", epoch + 1));
  values.push_back(fmt::arg("batch", batch + 1));
  std::vector<std::string> names = {"epoch", "batch"};
  for (const auto& [name, value] : logs) {
    values.push_back(fmt::arg(name.c_str(), value));
    names.push_back(name);
  }
  try {
    return fmt::vformat(options_.filepath, values);
  } catch (const fmt::format_error& error) {
    throw ValueError(fmt::format(
        "{}: fit: ModelCheckpoint: the filepath \"{}\" cannot be filled in: {}; its names are: {}; "
        "write {{epoch:02d}} or {{loss:.2f}}",
        model.name(), options_.filepath, error.what(), fmt::join(names, ", ")));
  }
}

void ModelCheckpoint::check_names(const Model& model, const Logs& names) const {
  const Logs known = options_.save_freq > 0 ? without_validation(names) : names;
  path(model, 0, 0, known);
  if (options_.save_best_only) monitor_.value(model, known);
  if (options_.save_freq > 0 && !options_.save_weights_only)
    model.trainer().check_metrics_are_saved("ModelCheckpoint");
}

void ModelCheckpoint::on_train_begin(Model&) {
  best_ = options_.initial_value_threshold;
  begin({});
  epoch_ = batches_ = 0;
}

void ModelCheckpoint::on_epoch_begin(Model&, Index epoch) { epoch_ = epoch; }

void ModelCheckpoint::on_train_batch_end(Model& model, Index batch, const Logs& logs) {
  if (options_.save_freq == 0 || ++batches_ < options_.save_freq) return;
  batches_ = 0;
  save(model, batch, logs);
}

void ModelCheckpoint::on_epoch_end(Model& model, Index, const Logs& logs) {
  if (options_.save_freq == 0) save(model, 0, logs);
}

// The file has the state that the callback has after it was written.
void ModelCheckpoint::save(Model& model, Index batch, const Logs& logs) {
  if (options_.save_best_only) {
    const double value = monitor_.value(model, logs);
    if (best_ && !monitor_.improves(value, *best_)) return;
    best_ = value;
  }
  const std::string file = path(model, epoch_, batch, logs);
  std::erase(files_, file);
  files_.push_back(file);
  std::vector<std::string> old;
  while (options_.keep_last > 0 && static_cast<Index>(files_.size()) > options_.keep_last) {
    old.push_back(files_.front());
    files_.erase(files_.begin());
  }
  Trainer& trainer = model.trainer();
  auto write = options_.save_weights_only ? trainer.saving_weights()
                                          : trainer.saving({.texts = options_.texts});
  trainer.write(*this, [file, write = std::move(write), old = std::move(old), kept = files_,
                        written = written_] {
    io::make_folder_of(file);
    write(file);
    std::vector<std::string> all = old;
    all.insert(all.end(), kept.begin(), kept.end());
    written->set(std::move(all));
    for (const std::string& each : old) io::remove_file(each);
    written->set(kept);
  });
}

std::vector<std::string> ModelCheckpoint::saved() const {
  const std::lock_guard lock(written_->mutex);
  return written_->files;
}

// A list of its own for each fit: of one before, the background may still hold another.
void ModelCheckpoint::begin(std::vector<std::string> files) {
  written_ = std::make_shared<Written>();
  written_->set(files);
  files_ = std::move(files);
}

CallbackState ModelCheckpoint::state() const {
  CallbackState state;
  state.numbers["epoch"] = static_cast<double>(epoch_);
  state.numbers["batches"] = static_cast<double>(batches_);
  if (best_) state.numbers["best"] = *best_;
  for (std::size_t i = 0; i < files_.size(); ++i)
    state.numbers[file_prefix + files_[i]] = static_cast<double>(i);
  return state;
}

namespace {

// Returns whether the pattern may have given the name of a file, which keep_last may remove: a
// state comes from a file that is not trusted.
bool may_be_of(const std::string& file, const std::string& pattern) {
  const std::size_t first = pattern.find('{'), last = pattern.rfind('}');
  if (first == pattern.npos || last == pattern.npos || last < first) return file == pattern;
  const std::string_view head = std::string_view(pattern).substr(0, first),
                         tail = std::string_view(pattern).substr(last + 1),
                         between = std::string_view(pattern).substr(first, last + 1 - first);
  if (file.size() < head.size() + tail.size() || !file.starts_with(head) || !file.ends_with(tail))
    return false;
  const std::string filled = file.substr(head.size(), file.size() - head.size() - tail.size());
  return filled.find("..") == filled.npos &&
         std::ranges::count(filled, '/') == std::ranges::count(between, '/');
}

}  // namespace

void ModelCheckpoint::load_state(const CallbackState& state) {
  const std::string prefix = file_prefix;
  const auto number = [&](const char* name) {
    const auto found = state.numbers.find(name);
    return found == state.numbers.end() ? std::nullopt : std::optional(found->second);
  };
  const auto count = [&](const char* name) {
    const double value = number(name).value_or(0);
    if (!(value >= 0 && value < 0x1p53))
      throw ValueError(fmt::format("ModelCheckpoint: its state has {} = {}", name, value));
    return static_cast<Index>(value);
  };
  epoch_ = count("epoch");
  batches_ = count("batches");
  best_ = number("best");
  std::vector<std::pair<double, std::string>> files;
  for (const auto& [name, value] : state.numbers) {
    if (!name.starts_with(prefix)) continue;
    const std::string file = name.substr(prefix.size());
    if (std::isfinite(value) && may_be_of(file, options_.filepath)) files.emplace_back(value, file);
  }
  std::ranges::sort(files);
  std::vector<std::string> names;
  for (auto& [position, file] : files) names.push_back(std::move(file));
  begin(std::move(names));
}

}}  // namespace fovea
