#include "io/folder.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "fovea/io/error.hpp"
#include "io/atomic_file.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

// The process that the name of a new file tells.
std::optional<pid_t> process_of(std::string_view name) {
  if (!name.starts_with(new_file_begin) || !name.ends_with(new_file_end)) return std::nullopt;
  name.remove_prefix(new_file_begin.size());
  pid_t process = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
  if (error != std::errc() || *end != '-' || process < 1) return std::nullopt;
  return process;
}

}  // namespace

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    throw IoError(folder, "look into the folder", error.value());
  return names;
}

void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::create_directories(folder, error) && error)
    throw IoError(folder.string(), "make the folder", error.value());
}

void remove_file(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) throw IoError(path, "remove it", error.value());
}

void remove_leftovers(const std::string& folder) {
  for (const std::string& name : names_in(folder))
    if (const auto process = process_of(name);
        process && ::kill(*process, 0) != 0 && errno == ESRCH)
      ::unlink((folder + "/" + name).c_str());
}

}}}  // namespace fovea::io
