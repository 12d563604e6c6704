// Text files in folders, one folder for each class.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The options of text_dataset_from_directory, with Keras' names where Keras has them.
struct TextFolderOptions {
  /// The folders to take, in the order of their labels; empty: all, sorted by bytes.
  std::vector<std::string> class_names = {};
  /// The end of the names of the files to take; empty: all files.
  std::string ending = ".txt";
  /// Whether symbolic links to files and folders are followed; otherwise they are left out.
  bool follow_links = false;
  /// Whether texts are put in a random order. Without, they stand by class, so that the last
  /// fraction, which `validation_split` takes, is of the last classes alone.
  bool shuffle = true;
  /// The seed of the order.
  std::uint64_t seed = 0;
  /// Whether bytes that are no UTF-8 become U+FFFD. Otherwise such a file is rejected.
  bool replace_invalid = false;
  /// The largest size of all files together, in bytes.
  Index largest_total = Index(4) << 30;
};

/// What text_dataset_from_directory returns.
struct TextFolder {
  std::vector<std::string> texts;        ///< what the files hold
  Ids labels;                            ///< (texts): positions in `class_names`
  std::vector<std::string> class_names;  ///< the names of the folders
  std::vector<std::string> paths;        ///< the file of each text
};

/// Reads the files below each folder in `directory`, as keras.utils.text_dataset_from_directory
/// indexes them. Folders in folders are searched. Files and folders whose names begin with a dot
/// are left out.
///
/// Throws IoError for a file or folder that cannot be read, FormatError for a file that is no
/// UTF-8, and ValueError where there is no class, no file, or more than the limit.
TextFolder text_dataset_from_directory(const std::string& directory,
                                       const TextFolderOptions& options = {});

}}  // namespace fovea
