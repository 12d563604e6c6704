// Backups of a training that runs.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "fovea/train/checkpoints.hpp"
#include "io/folder.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr std::string_view before = "backup-", behind = ".safetensors";

// The number of a backup's name; nothing for another file.
std::optional<Index> number_of(std::string_view name) {
  if (!name.starts_with(before) || !name.ends_with(behind) ||
      name.size() <= before.size() + behind.size())
    return std::nullopt;
  name.remove_prefix(before.size());
  name.remove_suffix(behind.size());
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 1) return std::nullopt;
  return number;
}

// The backups in a folder, the newest first.
std::map<Index, std::string, std::greater<>> backups_in(const std::string& folder) {
  std::map<Index, std::string, std::greater<>> backups;
  for (const std::string& name : io::names_in(folder))
    if (const auto number = number_of(name)) backups.emplace(*number, folder + "/" + name);
  return backups;
}

std::string path_of(const std::string& folder, Index number) {
  return fmt::format("{}/{}{}{}", folder, before, number, behind);
}

}  // namespace

BackupAndRestore::BackupAndRestore(BackupAndRestoreOptions options) : options_(std::move(options)) {
  if (options_.backup_dir.empty())
    throw ValueError("BackupAndRestore: there is no backup_dir; give a folder");
  if (options_.save_freq < 0)
    throw ValueError(fmt::format("BackupAndRestore: save_freq is {}; it must be at least 0",
                                 options_.save_freq));
  if (options_.keep < 1)
    throw ValueError(
        fmt::format("BackupAndRestore: keep is {}; it must be at least 1", options_.keep));
}

// A stop may come within any epoch.
void BackupAndRestore::check_names(const Model& model, const Logs&) const {
  model.trainer().check_metrics_are_saved("BackupAndRestore");
}

void BackupAndRestore::on_train_begin(Model& model) {
  batches_ = 0;
  restored_from_.clear();
  damaged_.clear();
  io::remove_leftovers(options_.backup_dir);
  std::string fault;
  const auto damaged = [&](const std::string& path, const Error& error) {
    const std::string warning = fmt::format(
        "BackupAndRestore: {} cannot be read; the backup before is used: {}", path, error.what());
    if (options_.on_warning) options_.on_warning(warning);
    fault = error.what();
    damaged_.push_back(path);
  };
  for (const auto& [number, path] : backups_in(options_.backup_dir)) {
    try {
      model.trainer().load(path, {}, true);
      restored_from_ = path;
      return;
    } catch (const FormatError& error) {
      damaged(path, error);
    } catch (const IoError& error) {
      damaged(path, error);
    }
  }
  if (!fault.empty())
    throw StateError(fmt::format(
        "{}: fit: BackupAndRestore: none of the backups in {} can be read; remove them to begin "
        "anew: {}",
        model.name(), options_.backup_dir, fault));
}

void BackupAndRestore::on_train_batch_end(Model& model, Index, const Logs& logs) {
  ++batches_;
  const bool due = options_.save_freq > 0 && batches_ >= options_.save_freq;
  if (due || (model.trainer().is_cut_short() && std::isfinite(logs["loss"]))) save(model);
}

void BackupAndRestore::on_epoch_end(Model& model, Index, const Logs& logs) {
  const Trainer& trainer = model.trainer();
  if (trainer.is_cut_short()) {
    if (batches_ > 0 && std::isfinite(logs["loss"])) save(model);  // stopped behind our turn
    return;
  }
  const bool stopped = trainer.stops() && !trainer.is_complete();
  if (options_.save_freq == 0 || stopped) save(model);
}

void BackupAndRestore::on_train_end(Model& model) {
  if (!options_.delete_checkpoint || !model.trainer().is_complete()) return;
  for (const auto& [number, path] : backups_in(options_.backup_dir)) io::remove_file(path);
  std::error_code ignored;  // where there are other files, the folder stays
  std::filesystem::remove(options_.backup_dir, ignored);
}

// Old backups go once the new one is in place. Those that cannot be read are none.
void BackupAndRestore::save(Model& model) {
  batches_ = 0;
  Trainer& trainer = model.trainer();
  trainer.write(*this, [this, write = trainer.saving({.texts = options_.texts})] {
    const auto backups = backups_in(options_.backup_dir);
    const std::string path =
        path_of(options_.backup_dir, backups.empty() ? 1 : backups.begin()->first + 1);
    io::make_folder_of(path);
    write(path);
    Index kept = 1;
    for (const auto& [number, old] : backups)
      if (std::ranges::find(damaged_, old) == damaged_.end() && ++kept > options_.keep)
        io::remove_file(old);
  });
}

CallbackState BackupAndRestore::state() const {
  return {.numbers = {{"batches", static_cast<double>(batches_)}}};
}

void BackupAndRestore::load_state(const CallbackState& state) {
  const auto found = state.numbers.find("batches");
  batches_ = found != state.numbers.end() && found->second >= 0 && found->second < 0x1p53
                 ? static_cast<Index>(found->second)
                 : 0;
}

}}  // namespace fovea
