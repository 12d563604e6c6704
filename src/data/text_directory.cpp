#include "fovea/data/text_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/input_file.hpp"
#include "io/path.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

namespace files = std::filesystem;
constexpr const char* call = "text_dataset_from_directory";

// The entries of a folder that are not hidden, by their bytes.
std::vector<files::path> entries_of(const files::path& folder) {
  try {
    std::vector<files::path> entries;
    for (const files::directory_entry& entry : files::directory_iterator(folder))
      if (!entry.path().filename().native().starts_with('.')) entries.push_back(entry.path());
    std::ranges::sort(entries, {}, [](const files::path& path) { return path.native(); });
    return entries;
  } catch (const files::filesystem_error& error) {
    throw IoError(folder.native(), "list", error.code().value());
  }
}

bool is_folder(const files::path& path) {
  std::error_code ignored;
  return files::symlink_status(path, ignored).type() == files::file_type::directory;
}

std::vector<std::string> classes_of(const std::string& directory,
                                    const TextDirectoryOptions& options) {
  if (!options.class_names.empty()) return options.class_names;
  std::vector<std::string> names;
  for (const files::path& entry : entries_of(directory))
    if (is_folder(entry)) names.push_back(entry.filename().native());
  if (names.empty())
    throw ValueError(fmt::format(
        "{}: expected a folder for each class in \"{}\", got none; give the folder that "
        "holds them",
        call, directory));
  return names;
}

std::string whole(const std::string& path, Index largest) {
  const io::InputFile file(path);
  if (file.size() > largest)
    throw ValueError(fmt::format("{}: {} has {} bytes; at most {} are read; set largest_file", call,
                                 path, file.size(), largest));
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

// Adds the texts of a folder and of the folders inside.
void add_texts(const files::path& folder, const TextDirectoryOptions& options,
               TextDataset& result) {
  for (const files::path& entry : entries_of(folder)) {
    if (is_folder(entry)) {
      add_texts(entry, options, result);
    } else if (std::error_code ignored;
               entry.native().ends_with(options.ending) && !files::is_directory(entry, ignored)) {
      result.texts.push_back(whole(entry.native(), options.largest_file));
      result.paths.push_back(entry.native());
    }
  }
}

}  // namespace

TextDataset text_dataset_from_directory(const std::string& directory,
                                        const TextDirectoryOptions& options) {
  io::checked_path(call, directory);
  TextDataset result;
  result.class_names = classes_of(directory, options);
  std::vector<std::int32_t> labels;
  for (std::size_t label = 0; label < result.class_names.size(); ++label) {
    add_texts(files::path(directory) / result.class_names[label], options, result);
    if (labels.size() == result.texts.size())
      throw ValueError(
          fmt::format("{}: class \"{}\" has no file that ends in \"{}\"; put some into its folder, "
                      "or name the classes in class_names",
                      call, result.class_names[label], options.ending));
    labels.resize(result.texts.size(), static_cast<std::int32_t>(label));
  }
  result.labels = Ids(Shape{static_cast<Index>(labels.size())}, labels);
  return result;
}

}}  // namespace fovea
