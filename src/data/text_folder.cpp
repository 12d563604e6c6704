#include "fovea/data/text_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>

#include "data/order.hpp"
#include "fovea/base/error.hpp"
#include "fovea/data/utf8.hpp"
#include "fovea/io/error.hpp"
#include "io/input_file.hpp"
#include "io/path.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

namespace files = std::filesystem;

[[noreturn]] void refuse(const std::string& reason) {
  throw ValueError("text_dataset_from_directory: " + reason);
}

struct Entry {
  std::string name;
  bool folder;
};

// What is in a folder, sorted by bytes, without what is hidden and, unless followed, links.
std::vector<Entry> entries(const std::string& folder, bool follow_links) {
  std::vector<Entry> result;
  std::error_code error;
  files::directory_iterator at(folder, error);
  for (; !error && at != files::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code unknown;  // of an entry that has gone, or of a link to nothing
    if (!follow_links && at->is_symlink(unknown)) continue;
    result.push_back({name, at->is_directory(unknown)});
  }
  if (error) throw IoError(folder, "list", error.value());
  std::ranges::sort(result, {}, &Entry::name);
  return result;
}

// Appends the files of a folder. `above` are the folders that lead to it, without links: a link
// that leads back to one of them would have no end.
void find_files(const std::string& folder, const TextFolderOptions& options,
                std::vector<files::path>& above, std::vector<std::string>& paths) {
  std::error_code error;
  const files::path folder_itself = files::canonical(folder, error);
  if (error) throw IoError(folder, "open", error.value());
  if (std::ranges::find(above, folder_itself) != above.end())
    refuse(
        fmt::format("{}: the link leads back to a folder above it; remove it, or leave "
                    "follow_links out",
                    folder));
  above.push_back(folder_itself);
  for (const auto& [name, is_folder] : entries(folder, options.follow_links)) {
    if (is_folder)
      find_files(folder + "/" + name, options, above, paths);
    else if (name.ends_with(options.ending))
      paths.push_back(folder + "/" + name);
  }
  above.pop_back();
}

std::vector<std::string> find_classes(const std::string& directory,
                                      const TextFolderOptions& options) {
  std::vector<std::string> found;
  for (const auto& [name, is_folder] : entries(directory, options.follow_links))
    if (is_folder) found.push_back(name);
  if (found.empty())
    refuse(fmt::format("{}: expected a folder for each class, got none", directory));
  for (const std::string& name : options.class_names) {
    if (std::ranges::find(found, name) == found.end())
      refuse(fmt::format("class_names: there is no folder \"{}\" in {}; there are {}",
                         io::shown(name), directory, fmt::join(found, ", ")));
    if (std::ranges::count(options.class_names, name) > 1)
      refuse(fmt::format("class_names: \"{}\" stands twice", io::shown(name)));
  }
  return options.class_names.empty() ? found : options.class_names;
}

std::string read_text(const std::string& path, bool replace, Index& room) {
  const io::InputFile file(path);
  if (file.size() > room)
    refuse(fmt::format("{}: the files are larger than largest_total; raise it", path));
  room -= file.size();
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  const std::optional<Index> wrong = find_invalid_utf8(text);
  if (!wrong) return text;
  if (replace) return replace_invalid_utf8(text);
  throw FormatError(path, *wrong, "no valid UTF-8; convert the file, or set replace_invalid");
}

}  // namespace

TextFolder text_dataset_from_directory(const std::string& directory,
                                       const TextFolderOptions& options) {
  io::checked_path("text_dataset_from_directory", directory);
  TextFolder result;
  result.class_names = find_classes(directory, options);
  std::vector<std::string> paths;
  std::vector<std::int32_t> labels;
  std::error_code gone;  // since it was listed; then so are the folders in it
  for (std::size_t i = 0; i < result.class_names.size(); ++i) {
    std::vector<files::path> above = {files::canonical(directory, gone)};
    find_files(directory + "/" + result.class_names[i], options, above, paths);
    labels.resize(paths.size(), static_cast<std::int32_t>(i));
  }
  const auto count = static_cast<Index>(paths.size());
  if (count == 0)
    refuse(fmt::format("{}: expected files whose names end in \"{}\", got none; set ending",
                       directory, io::shown(options.ending)));
  result.labels = Ids(Shape{count});
  std::int32_t* label = result.labels.mutable_data();
  Index room = options.largest_total;
  for (const Index i : options.shuffle ? shuffled(count, options.seed, 0) : in_order(count)) {
    const auto position = static_cast<std::size_t>(i);
    *label++ = labels[position];
    result.texts.push_back(read_text(paths[position], options.replace_invalid, room));
    result.paths.push_back(std::move(paths[position]));
  }
  return result;
}

}}  // namespace fovea
